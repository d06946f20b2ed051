-- ERASE: delete all that is kept about one customer, in one step. With it goes the lease: whoever is at work on this
-- conversation right now finds every later COMMIT, SENT, PARK and FAIL refused, and so writes none of it back.
-- a: conv, handoffs (ids found), dead and live (ids found), dead_end and live_end (up to where was looked: what came
-- after is looked for here), weeks (of the samples), who, customer_hash, audit_ms (how long the audit log is kept).
-- event: and unsent: stay. They hold no words, and a redelivered message must not be answered anew.
-- A photo that is being fetched goes with the others: KEEP then finds nothing to keep.
-- Returns how many there were: {conversation, waiting, outgoing, items, handoffs, dead, timers, live, photos, numbers, suggestions}.
local conv, talk = conv_key(a.conv), P .. 'talk:' .. a.conv

local handoffs = 0
local function drop_handoff(id)
  for _, status in ipairs({'waiting', 'active', 'done'}) do redis.call('ZREM', P .. 'handoffs:' .. status, id) end
  redis.call('HDEL', P .. 'search', id)
  handoffs = handoffs + redis.call('DEL', P .. 'handoff:' .. id)
end
for _, id in ipairs(a.handoffs) do drop_handoff(id) end
-- Those that were opened since.
for _, id in ipairs(redis.call('ZRANGE', P .. 'history:' .. a.conv, 0, -1)) do drop_handoff(id) end

local function drop_entries(stream, found, looked_to)
  local count = 0
  for _, id in ipairs(found) do count = count + redis.call('XDEL', stream, id) end
  for _, entry in ipairs(redis.call('XRANGE', stream, '(' .. looked_to, '+')) do
    for i = 1, #entry[2], 2 do
      if entry[2][i] == 'conv' and entry[2][i + 1] == a.conv then count = count + redis.call('XDEL', stream, entry[1]) end
    end
  end
  return count
end
local dead = drop_entries(P .. 'dead', a.dead, a.dead_end)
local live = drop_entries(P .. 'live', a.live, a.live_end)

local items = 0
for _, id in ipairs(redis.call('ZRANGE', talk, 0, -1)) do items = items + redis.call('DEL', P .. 'item:' .. id) end

local timers = 0
for _, timer in ipairs(redis.call('ZRANGE', P .. 'timers', 0, -1)) do
  if string.match(timer, '^(%S+) ') == a.conv then timers = timers + redis.call('ZREM', P .. 'timers', timer) end
end

-- What was heard of them, and what staff said of the answers: "<conversation> ..." in each.
local numbers = 0
local function drop_members(set, also)
  for _, member in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    local conv, rest = string.match(member, '^(%S+) (.*)$')
    if conv == a.conv then
      numbers = numbers + redis.call('ZREM', set, member)
      if also then redis.call('DEL', also .. rest) end
    end
  end
end
drop_members(P .. 'heard')
for _, week in ipairs(a.weeks) do drop_members(P .. 'sample:' .. week) end
drop_members(P .. 'labels', P .. 'label:')

local photos = 0
for _, message in ipairs(redis.call('ZRANGE', album_key(a.conv), 0, -1)) do photos = photos + drop_photo(message) end
redis.call('DEL', album_key(a.conv))
drop_draft(a.conv)

local suggestions = 0
for _, id in ipairs(redis.call('ZRANGE', P .. 'suggestions', 0, -1)) do
  local suggestion = P .. 'suggestion:' .. id
  if redis.call('HGET', suggestion, 'conv') == a.conv then
    redis.call('ZREM', P .. 'suggestions', id)
    suggestions = suggestions + redis.call('DEL', suggestion)
  end
end

local waiting, outgoing = redis.call('LLEN', box_key(a.conv)), redis.call('LLEN', out_key(a.conv))
redis.call('DEL', box_key(a.conv), out_key(a.conv), talk, P .. 'history:' .. a.conv)
redis.call('ZREM', P .. 'ready', a.conv)
redis.call('ZREM', P .. 'leases', a.conv)
local conversation = redis.call('DEL', conv)
-- Pages that are open drop it; whose it was is not said.
redis.call('XADD', P .. 'live', 'MAXLEN', '~', 10000, '*', 'conv', '@erased', 'what', 'erase')
redis.call('XADD', P .. 'audit', 'MINID', '~', now - a.audit_ms, '*',
  'who', a.who, 'what', 'customer erase', 'at', now, 'customer_hash', a.customer_hash)
return {conversation, waiting, outgoing, items, handoffs, dead, timers, live, photos, numbers, suggestions}
