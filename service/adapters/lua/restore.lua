-- RESTORE: asked once by every worker that starts. A heartbeat that is too old means that what stands here was brought back
-- from the past, or nobody was here for long: nothing of it may be sent as if it were new.
-- Marks every conversation that has something pending; returns how many.
go_on_although_full()
local beat = redis.call('GET', P .. 'beat')
redis.call('SET', P .. 'beat', now)
if not beat or now - tonumber(beat) <= a.gap_ms then return 0 end
local count = 0
for _, index in ipairs({'ready', 'leases'}) do
  for _, conv in ipairs(redis.call('ZRANGE', P .. index, 0, -1)) do
    redis.call('HSET', conv_key(conv), 'restored', '1')
    count = count + 1
  end
end
return count
