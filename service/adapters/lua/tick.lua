-- TICK: once a second, by any worker. Due timers become events in their conversation's mailbox, fired once however long
-- nobody was here; index members whose record has expired go; the heartbeat is renewed.
-- a.ahead_ms: how far the shop's time, which timers go by, is ahead of Redis' clock.
go_on_although_full()
local shop_now = now + a.ahead_ms
redis.call('SET', P .. 'beat', now)
local fired = redis.call('ZRANGEBYSCORE', P .. 'timers', '-inf', shop_now, 'LIMIT', 0, 100)
for _, timer in ipairs(fired) do
  local conv, name = string.match(timer, '^(%S+) (%S+)$')
  redis.call('ZREM', P .. 'timers', timer)
  redis.call('RPUSH', box_key(conv), 'timer-' .. name .. '-' .. now .. ' ' .. now .. '\n' .. '{"type":"henji.timer","name":"' .. name .. '","timestamp":' .. string.format('%d', shop_now) .. '}')
  if redis.call('HEXISTS', conv_key(conv), 'lease') == 0 then make_ready(conv, now) end
end
-- A few closed handoffs a second, the longest closed first: their records expire by themselves, their places in the index do not.
for _, id in ipairs(redis.call('ZRANGE', P .. 'handoffs:done', -10, -1)) do
  if redis.call('EXISTS', P .. 'handoff:' .. id) == 0 then redis.call('ZREM', P .. 'handoffs:done', id) end
end
return #fired
