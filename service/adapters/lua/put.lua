-- PUT: store every event of one or more webhook bodies, all or none.
-- a.events: list of {id, conv, raw, at, token, unsent}; at = the event's own time (ms), token and unsent may be "".
-- An event is marked as known after everything was read that could fail: a mark without its message would be a loss.
-- A full mailbox takes no more: what comes is kept among the dead letters, and the conversation is marked, so that one
-- flooding customer fails nobody else's events of the same body.
-- Returns how many events were new.
local fresh = 0
for _, e in ipairs(a.events) do
  local conv = conv_key(e.conv)
  local waiting = redis.call('LLEN', box_key(e.conv))
  local leased = redis.call('HEXISTS', conv, 'lease') == 1
  local token_lives = e.token ~= '' and now - e.at < 20 * 60 * 1000 and redis.call('EXISTS', P .. 'used:' .. e.token) == 0
  if redis.call('SET', P .. 'event:' .. e.id, '1', 'NX', 'EX', 3 * DAY) then
    fresh = fresh + 1
    if e.unsent ~= '' then
      redis.call('SET', P .. 'unsent:' .. e.unsent, '1', 'EX', 3 * DAY)
      drop_photo(e.unsent)
    end
    if waiting < MOST_WAITING then
      redis.call('RPUSH', box_key(e.conv), e.id .. ' ' .. now .. '\n' .. e.raw)
    else
      bury(e.conv, 'overflow', e.raw)
      redis.call('HSET', conv, 'overflow', '1')
    end
    if token_lives then redis.call('HSET', conv, 'token', e.token, 'token_at', now) end
    if not leased then make_ready(e.conv, now) end
  else
    -- A redelivery: its reply token works again for a while, when the event still waits (LINE: Send reply message).
    for i, element in ipairs(redis.call('LRANGE', box_key(e.conv), 0, -1)) do
      if string.match(element, '^(%S+)') == e.id then
        redis.call('LSET', box_key(e.conv), i - 1, e.id .. ' ' .. now .. '\n' .. string.match(element, '\n(.*)$'))
        if token_lives then redis.call('HSET', conv, 'token', e.token, 'token_at', now) end
      end
    end
  end
end
if fresh > 0 then redis.call('HINCRBY', P .. 'counts', 'event accepted', fresh) end
if fresh < #a.events then redis.call('HINCRBY', P .. 'counts', 'event duplicate', #a.events - fresh) end
return fresh
