-- SENT: what became of the outbox's head.
-- a: conv, token, item, outcome, delay_ms, items (the bubbles' records), what, keep_s, counts,
-- fallback {handoff, fields, timers, alerts, counts} or nil,
-- unreplied {rev, handoff} or nil: the handoff as it is without this reply, written if that was the last one and nothing
-- happened since that rev,
-- dead (why the item becomes a dead letter, or nil), over_quota (LINE says that the month's messages are used up).
-- outcome: "done" (pop it), "push" (the reply was not sent: make it a push and hand it back),
-- "untried" (surely not sent: try again after delay_ms as if never tried), "again" (try again after delay_ms).
-- Returns {status, head}: "next" with the next head to send now, "released", or "lost".
go_on_although_full()
if not holds(a.conv, a.token) then return {'lost', ''} end
local conv, out = conv_key(a.conv), out_key(a.conv)

local function rewrite(mode, tries)
  local id, who, old_mode, key, old_tries, first, by, reply, reply_at, body =
    string.match(redis.call('LINDEX', out, 0), OUT)
  if mode == 'push' then reply, reply_at = '-', 0 else mode = old_mode end
  redis.call('LSET', out, 0,
    table.concat({id, who, mode, key, tries, first, '-', reply, reply_at}, ' ') .. '\n' .. body)
end

local head = redis.call('LINDEX', out, 0)
-- A repeated call finds another head, or turns into a push what is one already: the same as once.
if head and string.match(head, '^(%S+)') == a.item then
  if a.outcome == 'done' then
    if a.dead then bury(a.conv, a.dead, head) end
    if a.over_quota then redis.call('HSET', P .. 'shop', 'quota_refused_at', now) end
    redis.call('LPOP', out)
    redis.call('HDEL', conv, 'errors', 'expiries')
    if a.fallback and redis.call('HGET', conv, 'state') == 'bot' then
      for name, written in pairs(a.fallback) do a[name] = written end
      raise_rev(a.conv)
    elseif a.unreplied and redis.call('EXISTS', out) == 0 and redis.call('HGET', conv, 'rev') == a.unreplied.rev then
      a.handoff = a.unreplied.handoff
      raise_rev(a.conv)
    end
    write_state(a.conv, a)
  elseif a.outcome == 'push' then
    rewrite('push', 0)
  else
    if a.outcome == 'untried' then rewrite('same', 0) end
    release(a.conv, now + a.delay_ms)
    return {'released', ''}
  end
end
local next_head = raise_head(a.conv, a.token)
if next_head then return {'next', next_head, now} end
release(a.conv, now)
return {'released', ''}
