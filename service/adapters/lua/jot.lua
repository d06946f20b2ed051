-- JOT: write a draft into its handoff, as long as that is what it was when it was read; and take it off the list.
-- a: conv, tries (as handed out), id, before (the record as read), after (the record with the draft, or nil: nothing is to be
-- kept), search, counts.
-- Returns {"done" or "gone" (it is over, or erased), ""}; or, with nothing written, {"changed", the record as it is now}.
if a.after then
  local record = redis.call('HGET', conv_key(a.conv), 'handoff') == a.id and redis.call('GET', P .. 'handoff:' .. a.id)
  if record and record ~= a.before then return {'changed', record} end
  if not record then a.after = nil end
end
count(a.counts)
redis.call('ZREM', P .. 'drafts', a.conv .. ' ' .. a.tries)
if not a.after then return {'gone', ''} end
-- Whoever is about to write the record reads it again first.
raise_rev(a.conv)
redis.call('SET', P .. 'handoff:' .. a.id, a.after)
redis.call('HSET', P .. 'search', a.id, a.search)
redis.call('XADD', P .. 'live', 'MAXLEN', '~', 10000, '*', 'conv', a.conv, 'what', 'draft')
return {'done', ''}
