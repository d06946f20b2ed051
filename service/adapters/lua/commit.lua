-- COMMIT: the decision about one turn and all that follows from it, in one step, before anything is sent.
-- a: conv, token, rev, turn, seen (box length at TAKE), events, messages, fields, handoff, items, timers, what, counts,
-- keep_s, out, alerts, dead (why the turn becomes a dead letter, or nil), photos (messages whose photo is to be fetched),
-- photo_s.
-- Returns {status, head}: "done" (with the outbox head to send now, or "" and the lease is given back), "lost" (the
-- lease is not ours), "changed" (staff acted), "unsent" (a message of the turn is gone), "newer" (one more arrived).
go_on_although_full()
local conv = conv_key(a.conv)

local function finish()
  local head = raise_head(a.conv, a.token)
  if not head then release(a.conv, now) end
  return {'done', head or '', now}
end

if redis.call('HGET', conv, 'turn') == a.turn then
  if holds(a.conv, a.token) then return finish() end
  return {'done', '', now}
end
if not holds(a.conv, a.token) then return {'lost', ''} end
if (redis.call('HGET', conv, 'rev') or '0') ~= a.rev then return {'changed', ''} end
for _, message in ipairs(a.messages) do
  if redis.call('EXISTS', P .. 'unsent:' .. message) == 1 then return {'unsent', ''} end
end
if redis.call('LLEN', box_key(a.conv)) > a.seen and redis.call('HGET', conv, 'restarted') ~= '1' then
  redis.call('HSET', conv, 'restarted', '1')
  return {'newer', ''}
end

local decided = {}
for _, id in ipairs(a.events) do decided[id] = true end
for _, waiting in ipairs(redis.call('LRANGE', box_key(a.conv), 0, -1)) do
  if decided[string.match(waiting, '^(%S+)')] then
    redis.call('LREM', box_key(a.conv), 1, waiting)
    if a.dead then bury(a.conv, a.dead, string.match(waiting, '\n(.*)$')) end
  end
end
redis.call('HDEL', conv, 'errors', 'expiries', 'restarted', 'overflow', 'restored')
redis.call('HSET', conv, 'turn', a.turn)
raise_rev(a.conv)
if a.out then append_out(a.conv, a.out, 1, a.token) end
write_state(a.conv, a)
for _, message in ipairs(a.photos) do
  -- Else it is known already: the dead letter of its message was put back.
  if redis.call('HSETNX', photo_key(message), 'conv', a.conv) == 1 then
    redis.call('HSET', photo_key(message), 'tries', 0)
    redis.call('EXPIRE', photo_key(message), a.photo_s)
    redis.call('ZADD', album_key(a.conv), now, message)
    redis.call('EXPIRE', album_key(a.conv), a.photo_s)
    redis.call('ZADD', P .. 'photos', now, message)
  end
end
return finish()
