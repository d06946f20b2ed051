-- FETCH: hand out a photo that is to be fetched from LINE, counting a try. Whoever dies with it in hand leaves it due
-- again after a.claim_ms.
-- a: claim_ms, most_tries.
-- Returns {message, tries}, or nothing when none is due.
local MAX_DUE_MS = 24 * 3600 * 1000

local function first_due()
  local due = redis.call('ZRANGEBYSCORE', P .. 'photos', '-inf', now, 'LIMIT', 0, 1)[1]
  return due or redis.call('ZRANGEBYSCORE', P .. 'photos', now + MAX_DUE_MS, '+inf', 'LIMIT', 0, 1)[1]
end

local message = first_due()
while message do
  local tries = tonumber(redis.call('HGET', photo_key(message), 'tries') or a.most_tries)
  if tries < a.most_tries then
    redis.call('ZADD', P .. 'photos', now + a.claim_ms, message)
    return {message, redis.call('HINCRBY', photo_key(message), 'tries', 1)}
  end
  redis.call('ZREM', P .. 'photos', message)
  give_up(message, 'unavailable')
  message = first_due()
end
