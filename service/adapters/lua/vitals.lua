-- VITALS: how it all stands, in numbers, for /metrics. Reads only, and only so much however much waits: of conversations
-- those that are due first, of open handoffs those that are the longest unreplied.
local LOOK_AT = 100

local oldest_message, oldest_unsent = now, now

local function look(conv)
  local waiting = redis.call('LINDEX', box_key(conv), 0)
  if waiting then oldest_message = math.min(oldest_message, tonumber(string.match(waiting, '^%S+ (%d+)'))) end
  local head = redis.call('LINDEX', out_key(conv), 0)
  -- Nothing in a text looks like this: there the quotes are escaped.
  local said_at = head and string.match(head, '"said_at":(%d+)')
  if said_at then oldest_unsent = math.min(oldest_unsent, tonumber(said_at)) end
end

for _, index in ipairs({'ready', 'leases'}) do
  for _, conv in ipairs(redis.call('ZRANGE', P .. index, 0, LOOK_AT - 1)) do look(conv) end
end

-- An unreplied handoff's place in its index is the time since when, 10^13 less where it is urgent; one that was replied to
-- stands behind all of those.
local function oldest_unreplied()
  local oldest = now
  for _, status in ipairs({'waiting', 'active'}) do
    for _, first in ipairs({'-inf', '0'}) do
      local found = redis.call('ZRANGEBYSCORE', P .. 'handoffs:' .. status, first, '(1e13', 'WITHSCORES', 'LIMIT', 0, 1)
      local since = tonumber(found[2] or now)
      oldest = math.min(oldest, since < 0 and since + 1e13 or since)
    end
  end
  return oldest
end

local ready, due = redis.call('ZCARD', P .. 'ready'), redis.call('ZCOUNT', P .. 'ready', '-inf', now)
return cmsgpack.pack({
  now = now,
  counts = redis.call('HGETALL', P .. 'counts'),
  due = due,
  parked = ready - due,
  leased = redis.call('ZCARD', P .. 'leases'),
  oldest_message_ms = now - oldest_message,
  oldest_unsent_ms = now - oldest_unsent,
  waiting = redis.call('ZCARD', P .. 'handoffs:waiting'),
  active = redis.call('ZCARD', P .. 'handoffs:active'),
  done = redis.call('ZCARD', P .. 'handoffs:done'),
  oldest_unreplied_ms = now - oldest_unreplied(),
  dead = redis.call('XLEN', P .. 'dead'),
  beat = redis.call('GET', P .. 'beat') or '',
  model = redis.call('HMGET', P .. 'model', 'spent', 'day_ends', 'budget', 'failures', 'shut_until'),
  shop = redis.call('HMGET', P .. 'shop', 'knowledge', 'calibration', 'entries', 'quota_limit', 'quota_used', 'quota_at'),
})
