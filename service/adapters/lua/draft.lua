-- DRAFT: hand out a conversation in which a reply is to be drafted, once its notice is sent and all that came is decided: what
-- was taken back is out of the record by then. Whoever dies with it in hand leaves it due once more.
-- a: claim_ms.
-- Returns {conv, tries, record} or, when none is due, nothing.
local member = redis.call('ZRANGEBYSCORE', P .. 'drafts', '-inf', now, 'LIMIT', 0, 1)[1]
if not member then return nil end
local conv, tries = string.match(member, '^(%S+) (%d+)$')
redis.call('ZREM', P .. 'drafts', member)
if redis.call('EXISTS', box_key(conv), out_key(conv)) > 0 then
  redis.call('ZADD', P .. 'drafts', now + 1000, member)
  return nil
end
local id = redis.call('HGET', conv_key(conv), 'handoff')
local record = id and redis.call('GET', P .. 'handoff:' .. id)
if not record then return nil end
tries = tonumber(tries) + 1
if tries < DRAFT_TRIES then redis.call('ZADD', P .. 'drafts', now + a.claim_ms, conv .. ' ' .. tries) end
return {conv, tries, record}
