-- ATTEMPT: count one attempt to log in, for each of several counters, before the password is looked at.
-- a: counters (each: name, most), window_ms.
-- Returns 0, or how long to wait (ms) when one counter is over its most. A refused attempt does not prolong the wait.
local wait = 0
for _, counter in ipairs(a.counters) do
  local tries = P .. 'tries:' .. counter.name
  if redis.call('INCR', tries) == 1 then redis.call('PEXPIRE', tries, a.window_ms) end
  if tonumber(redis.call('GET', tries)) > counter.most then wait = math.max(wait, redis.call('PTTL', tries)) end
end
return wait
