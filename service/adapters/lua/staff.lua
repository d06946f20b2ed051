-- STAFF: one action of a person. Fenced by the conversation's rev, done once for a key that names it.
-- a: conv, rev, box (how many events waited when it was read, or nil where they do not matter), action (an id of this very
-- action), key and body (hashes of its Idempotency-Key and of what was asked; "" for none), fields, timers, handoff,
-- items, out (or nil), what, keep_s, who, customer_hash, about (the handoff it concerns, or ""), audit_ms.
-- Returns {status, earlier}: "done"; "again" with "<body> <action>" of the earlier one; or, with nothing written,
-- "changed" (the conversation did meanwhile: read it again), "gone" (there is no such conversation any more).
local conv, key = conv_key(a.conv), P .. 'idem:' .. a.key

local earlier = a.key ~= '' and redis.call('GET', key)
if earlier then return {'again', earlier} end
local rev, action = unpack(redis.call('HMGET', conv, 'rev', 'action'))
if action == a.action then return {'done', ''} end
if redis.call('EXISTS', conv) == 0 then return {'gone', ''} end
if (rev or '0') ~= a.rev then return {'changed', ''} end
if a.box and redis.call('LLEN', box_key(a.conv)) ~= a.box then return {'changed', ''} end

-- Nothing is being sent: whoever holds the lease is still deciding, and must not hold the staff up.
local deciding = redis.call('HEXISTS', conv, 'lease') == 1 and redis.call('EXISTS', out_key(a.conv)) == 0
go_on_although_full()
redis.call('HSET', conv, 'action', a.action, 'staff_at', now)
if a.key ~= '' then redis.call('SET', key, a.body .. ' ' .. a.action, 'EX', DAY) end
raise_rev(a.conv)
write_state(a.conv, a)
if a.out then
  append_out(a.conv, a.out, 0, '-')
  if deciding then release(a.conv, now)
  elseif redis.call('HEXISTS', conv, 'lease') == 0 then make_ready(a.conv, now) end
end
redis.call('XADD', P .. 'audit', 'MINID', '~', now - a.audit_ms, '*',
  'who', a.who, 'what', a.what, 'at', now, 'handoff', a.about, 'customer_hash', a.customer_hash)
return {'done', ''}
