-- Shared by every script; put before each one's text.
-- KEYS[1] is the prefix of all keys ("{henji}:"): its hash tag routes the call, all other keys are built from it.
-- ARGV[1] is one MessagePack map. Records travel as ready-made strings: nothing here decodes JSON.
local P = KEYS[1]
local a = cmsgpack.unpack(ARGV[1])

-- A box element is "<event id> <arrival ms>\n<event JSON>".
-- An outbox element is "<id> <who> <mode> <retry key> <tries> <first try ms> <raised by> <token> <token ms>\n<JSON>";
-- "-" stands for nothing.
local OUT = '^(%S+) (%S+) (%S+) (%S+) (%d+) (%d+) (%S+) (%S+) (%d+)\n(.*)$'

local DAY = 86400
local TOKEN_IS_FRESH_MS = 45000

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local now = clock()

local function conv_key(conv) return P .. 'conv:' .. conv end
local function box_key(conv) return P .. 'box:' .. conv end
local function out_key(conv) return P .. 'out:' .. conv end
local function photo_key(message) return P .. 'photo:' .. message end
local function album_key(conv) return P .. 'album:' .. conv end

local MOST_WAITING = 200

-- A full Redis refuses whatever may make it grow, unless the script has written something before: here a DEL of a key
-- that never is. Said first by every script that moves on what is in.
local function go_on_although_full() redis.call('DEL', P) end

-- Counts what this step has just written: in one step with it, so exactly once however often the call is repeated. Turns
-- are counted by the hour, too, for today's figures.
local function count(names)
  for _, name in ipairs(names or {}) do
    redis.call('HINCRBY', P .. 'counts', name, 1)
    if string.find(name, '^turn ') or string.find(name, '^replaced ') then
      local hour = P .. 'turns:' .. math.floor(now / 3600000)
      redis.call('HINCRBY', hour, name, 1)
      redis.call('EXPIRE', hour, 2 * DAY)
    end
  end
end

local function bury(conv, why, body)
  count({'dead ' .. why})
  redis.call('XADD', P .. 'dead', 'MAXLEN', '~', 10000, '*', 'conv', conv, 'why', why, 'body', body)
end

-- Rung once by a script, however much it makes ready: whoever wakes takes until nothing is due.
local rung = false
local function ring()
  if rung then return end
  rung = true
  redis.call('LPUSH', P .. 'bell', '1')
  redis.call('LTRIM', P .. 'bell', 0, 63)
end

local function make_ready(conv, due)
  redis.call('ZADD', P .. 'ready', due, conv)
  if due <= now then ring() end
end

-- Gives the lease back; the conversation is ready again when a message or an outgoing item is left.
local function release(conv, due)
  redis.call('HDEL', conv_key(conv), 'lease')
  redis.call('ZREM', P .. 'leases', conv)
  if redis.call('EXISTS', box_key(conv), out_key(conv)) > 0 then make_ready(conv, due) end
end

local function holds(conv, token)
  return redis.call('HGET', conv_key(conv), 'lease') == token
end

-- Raises the tries of the outbox's head for this lease, once, and returns the head as it was before: tries = 0 in it
-- means that nobody has tried to send it.
local function raise_head(conv, token)
  local head = redis.call('LINDEX', out_key(conv), 0)
  if not head then return false end
  local id, who, mode, key, tries, first, by, reply, reply_at, body = string.match(head, OUT)
  tries = tonumber(tries)
  if by == token then
    tries = tries - 1
  else
    if tries == 0 then first = now end
    local raised = table.concat({id, who, mode, key, tries + 1, first, token, reply, reply_at}, ' ') .. '\n' .. body
    redis.call('LSET', out_key(conv), 0, raised)
  end
  return table.concat({id, who, mode, key, tries, first, token, reply, reply_at}, ' ') .. '\n' .. body
end

-- Appends one outgoing item {id, who, key, body}. It takes the conversation's reply token when that is still fresh
-- (then it is a free reply), else it will be a push.
local function append_out(conv, item, tries, by)
  local reply, reply_at = unpack(redis.call('HMGET', conv_key(conv), 'token', 'token_at'))
  redis.call('HDEL', conv_key(conv), 'token', 'token_at')
  local mode = 'reply'
  if not reply or now - tonumber(reply_at) >= TOKEN_IS_FRESH_MS then
    mode, reply, reply_at = 'push', '-', 0
  end
  -- A redelivery of a message that still waits must not bring back a token that answered another one.
  if mode == 'reply' then redis.call('SET', P .. 'used:' .. reply, '1', 'EX', 21 * 60) end
  local first = tries > 0 and now or 0
  local head = {item.id, item.who, mode, item.key, tries, first, by, reply, reply_at}
  redis.call('RPUSH', out_key(conv), table.concat(head, ' ') .. '\n' .. item.body)
end

-- Appends one alert {conv, id, who, key, body} to the outbox of its URL or browser. One that waits for its next try keeps waiting.
local function append_alert(alert)
  append_out(alert.conv, alert, 0, '-')
  if redis.call('HEXISTS', conv_key(alert.conv), 'lease') == 0 then
    redis.call('ZADD', P .. 'ready', 'NX', now, alert.conv)
    ring()
  end
end

-- Leaves of a photo only why there is none, for as long as it would have been kept.
local function give_up(message, why)
  local photo = photo_key(message)
  local conv, left_ms = redis.call('HGET', photo, 'conv'), redis.call('PTTL', photo)
  redis.call('DEL', photo)
  if not conv then return end
  redis.call('HSET', photo, 'conv', conv, 'why', why)
  redis.call('PEXPIRE', photo, left_ms)
end

-- Deletes a photo wherever it stands: to be fetched, in hand, kept, or given up. Returns whether there was one.
local function drop_photo(message)
  local conv = redis.call('HGET', photo_key(message), 'conv')
  if conv then redis.call('ZREM', album_key(conv), message) end
  redis.call('ZREM', P .. 'photos', message)
  redis.call('ZREM', P .. 'shelf', message)
  return redis.call('DEL', photo_key(message))
end

-- Raises the conversation's rev. The first one is the time in microseconds, more than anybody can count up to meanwhile:
-- a conversation that was erased and begins anew never has one of its old revs again.
local function raise_rev(conv)
  if redis.call('HINCRBY', conv_key(conv), 'rev', 1) == 1 then
    local t = redis.call('TIME')
    redis.call('HSET', conv_key(conv), 'rev', string.format('%d%06d', t[1], t[2]))
  end
end

-- What the owner's numbers are made of: counts of the shop's day; where the words of the newest turns are, as
-- "<conversation> <JSON>"; of each week the automatic answers with the lowest places, the random sample that staff check.
local function tally(conv, t)
  local day = P .. 'day:' .. t.day
  for _, name in ipairs(t.names) do redis.call('HINCRBY', day, name, 1) end
  redis.call('EXPIRE', day, t.keep_s)
  if not t.heard then return end
  local heard, member = P .. 'heard', conv .. ' ' .. t.heard
  redis.call('ZADD', heard, now, member)
  redis.call('ZREMRANGEBYRANK', heard, 0, -1 - t.most)
  redis.call('ZREMRANGEBYSCORE', heard, '-inf', now - a.keep_s * 1000)
  redis.call('EXPIRE', heard, a.keep_s)
  if not t.week then return end
  local sample = P .. 'sample:' .. t.week
  redis.call('ZADD', sample, t.place, member)
  redis.call('ZREMRANGEBYRANK', sample, t.sample, -1)
  redis.call('EXPIRE', sample, math.min(t.sample_s, a.keep_s))
end

-- A reply is to be drafted for staff. "CONVERSATION TRIES" by when it is due: soon, so that several messages are one task.
local DRAFT_TRIES = 2
local function drop_draft(conv)
  local dropped = 0
  for tries = 0, DRAFT_TRIES - 1 do dropped = dropped + redis.call('ZREM', P .. 'drafts', conv .. ' ' .. tries) end
  return dropped
end
local function want_draft(conv, delay_ms)
  drop_draft(conv)
  redis.call('ZADD', P .. 'drafts', now + delay_ms, conv .. ' 0')
end

-- Writes what belongs to a conversation's state: hash fields ("" deletes), the handoff with its index, the items of
-- the talk with their retention, alerts, one line for whoever watches; and counts it.
local function write_state(conv, w)
  count(w.counts)
  for name, value in pairs(w.fields or {}) do
    if value == '' then redis.call('HDEL', conv_key(conv), name)
    else redis.call('HSET', conv_key(conv), name, value) end
  end
  -- One timer of a name per conversation: {name = due ms}, 0 stops it.
  for name, due in pairs(w.timers or {}) do
    if due == 0 then redis.call('ZREM', P .. 'timers', conv .. ' ' .. name)
    else redis.call('ZADD', P .. 'timers', due, conv .. ' ' .. name) end
  end
  local h = w.handoff
  if h then
    for _, status in ipairs({'waiting', 'active', 'done'}) do
      if status ~= h.status then redis.call('ZREM', P .. 'handoffs:' .. status, h.id) end
    end
    redis.call('ZADD', P .. 'handoffs:' .. h.status, h.score, h.id)
    if h.status == 'done' then
      redis.call('HDEL', P .. 'search', h.id)
      redis.call('SET', P .. 'handoff:' .. h.id, h.record, 'EX', a.keep_s)
    else
      redis.call('SET', P .. 'handoff:' .. h.id, h.record)
      redis.call('HSET', P .. 'search', h.id, h.search)
    end
    if h.draft_ms then want_draft(conv, h.draft_ms) end
    redis.call('ZADD', P .. 'history:' .. conv, h.created, h.id)
    redis.call('ZREMRANGEBYRANK', P .. 'history:' .. conv, 0, -101)
  end
  for _, item in ipairs(w.items or {}) do
    redis.call('SET', P .. 'item:' .. item.id, item.record, 'EX', a.keep_s)
    -- In the order of writing: LINE's clock, which dates a message, may run ahead of ours.
    redis.call('ZADD', P .. 'talk:' .. conv, 'NX', now + item.place, item.id)
  end
  if redis.call('HEXISTS', conv_key(conv), 'handoff') == 1 then
    redis.call('PERSIST', conv_key(conv))
    redis.call('PERSIST', P .. 'talk:' .. conv)
    redis.call('PERSIST', P .. 'history:' .. conv)
  else
    redis.call('EXPIRE', conv_key(conv), a.keep_s)
    redis.call('EXPIRE', P .. 'talk:' .. conv, a.keep_s)
    redis.call('EXPIRE', P .. 'history:' .. conv, a.keep_s)
  end
  if w.tally then tally(conv, w.tally) end
  for _, alert in ipairs(w.alerts or {}) do append_alert(alert) end
  -- Nobody watches what becomes of an alert.
  if string.sub(conv, 1, 1) == '@' then return end
  redis.call('XADD', P .. 'live', 'MAXLEN', '~', 10000, '*', 'conv', conv, 'what', w.what)
end
