-- ADMIT: whether a request may go to the model's server now; if so, what it may cost is spent already.
-- One hash for all workers: spent (millionths), day_ends (ms), budget (as set, millionths), failures (in a row) and shut_until
-- (ms; the server is not asked before). When that is over one request goes to try, and the others still wait.
-- a: cost, most (may be spent; -1: no limit), budget (-1: none), day_ends, failures (that shut it), trial_ms, names (counted for a refusal).
-- Returns {"go" or "trial" or "budget_used_up" or "circuit_open", day_ends}.
local key = P .. 'model'
local ends, spent, failures, shut = unpack(redis.call('HMGET', key, 'day_ends', 'spent', 'failures', 'shut_until'))
if not ends or now >= tonumber(ends) then
  ends, spent = a.day_ends, 0
  redis.call('HSET', key, 'day_ends', ends, 'spent', 0)
end
redis.call('HSET', key, 'budget', a.budget)

local function refuse(why)
  count({a.names[why]})
  return {why, ends}
end

local is_shut = tonumber(failures or 0) >= a.failures
if is_shut and now < tonumber(shut or 0) then return refuse('circuit_open') end
if a.most >= 0 and tonumber(spent or 0) + a.cost > a.most then return refuse('budget_used_up') end
if is_shut then redis.call('HSET', key, 'shut_until', now + a.trial_ms) end
redis.call('HINCRBY', key, 'spent', a.cost)
return {is_shut and 'trial' or 'go', ends}
