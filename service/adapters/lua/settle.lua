-- SETTLE: what became of a request that ADMIT let go. Not run again: a lost one leaves the estimate as it is.
-- a: day_ends (as ADMIT said), more (what it cost beyond the estimate, often negative), works (1: the server answered,
-- 0: it failed, -1: says nothing about it), trial, failures (that shut it), shut_ms, longest_ms, counts, sent and received
-- (tokens).
local key = P .. 'model'
if redis.call('HGET', key, 'day_ends') == tostring(a.day_ends) then redis.call('HINCRBY', key, 'spent', a.more) end
count(a.counts)
redis.call('HINCRBY', P .. 'counts', 'tokens sent', a.sent)
redis.call('HINCRBY', P .. 'counts', 'tokens received', a.received)

if a.works == 1 then
  redis.call('HDEL', key, 'failures', 'shut_until')
elseif a.works == 0 then
  -- Those that were on their way when it was shut do not shut it for longer.
  local failures = tonumber(redis.call('HGET', key, 'failures') or 0)
  if failures < a.failures or a.trial then
    failures = redis.call('HINCRBY', key, 'failures', 1)
    if failures >= a.failures then
      local shut_ms = math.min(a.shut_ms * 2 ^ (failures - a.failures), a.longest_ms)
      redis.call('HSET', key, 'shut_until', now + shut_ms)
    end
  end
end
return 1
