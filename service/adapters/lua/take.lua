-- TAKE: lease one conversation that is due.
-- a.token: the caller's own random token; a.lease_ms; a.again: true when this call repeats one whose answer was lost.
-- Returns nothing when no conversation is due, else a packed map; `more` in it says whether another one is due. When none
-- is, the bell is silenced: what it rang for is taken.
local MAX_DUE_MS = 24 * 3600 * 1000

local function leased_by(token)
  for _, conv in ipairs(redis.call('ZRANGE', P .. 'leases', 0, -1)) do
    if holds(conv, token) then return conv end
  end
end

-- A lease that ended, or one that ends absurdly far ahead (a clock was set back), is free again.
local function sweep()
  for _, range in ipairs({{'-inf', now}, {now + 2 * a.lease_ms, '+inf'}}) do
    for _, conv in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', range[1], range[2], 'LIMIT', 0, 100)) do
      redis.call('HINCRBY', conv_key(conv), 'expiries', 1)
      release(conv, now)
    end
  end
end

local function first_due()
  local due = redis.call('ZRANGEBYSCORE', P .. 'ready', '-inf', now, 'LIMIT', 0, 1)[1]
  return due or redis.call('ZRANGEBYSCORE', P .. 'ready', now + MAX_DUE_MS, '+inf', 'LIMIT', 0, 1)[1]
end

local function more_is_due()
  if first_due() then return true end
  redis.call('DEL', P .. 'bell')
  return false
end

go_on_although_full()
local conv = a.again and leased_by(a.token)
if not conv then
  sweep()
  conv = first_due()
  if not conv then
    redis.call('DEL', P .. 'bell')
    return false
  end
  redis.call('ZREM', P .. 'ready', conv)
  redis.call('HSET', conv_key(conv), 'lease', a.token)
  redis.call('ZADD', P .. 'leases', now + a.lease_ms, conv)
end
local head = raise_head(conv, a.token)
local fields = redis.call('HGETALL', conv_key(conv))
local handoff = redis.call('HGET', conv_key(conv), 'handoff')
-- What staff have set for the whole shop: automatic answers off, other hours today.
local paused, today = unpack(redis.call('HMGET', P .. 'shop', 'paused', 'today'))
return cmsgpack.pack({
  conv = conv, now = now, fields = fields,
  box = redis.call('LRANGE', box_key(conv), 0, -1),
  head = head or '',
  more = more_is_due(),
  handoff = handoff and redis.call('GET', P .. 'handoff:' .. handoff) or '',
  paused = paused or '', today = today or '',
  browsers = redis.call('HKEYS', P .. 'push'),
})
