-- STAFF: one action of a person: claim, reply, done. Fenced by the conversation's rev.
-- a: conv, rev, fields, handoff, items, what, keep_s, out (or nil), action (an id of this very action).
-- Returns 1, or 0 when the conversation changed meanwhile: read it again.
local conv = conv_key(a.conv)
if redis.call('HGET', conv, 'action') == a.action then return 1 end
if (redis.call('HGET', conv, 'rev') or '0') ~= a.rev then return 0 end
-- Nothing is being sent: whoever holds the lease is still deciding, and must not hold the staff up.
local deciding = redis.call('HEXISTS', conv, 'lease') == 1 and redis.call('EXISTS', out_key(a.conv)) == 0
redis.call('HSET', conv, 'action', a.action)
redis.call('HINCRBY', conv, 'rev', 1)
write_state(a.conv, a)
if a.out then
  append_out(a.conv, a.out, 0, '-')
  if deciding then release(a.conv, now)
  elseif redis.call('HEXISTS', conv, 'lease') == 0 then make_ready(a.conv, now) end
end
return 1
