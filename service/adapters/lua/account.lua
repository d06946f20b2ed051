-- ACCOUNT: write one person's account with its line in the audit log, in one step.
-- a: key (whose account), is_new (whether there must be none yet, else there must be one), fields ("" deletes one),
-- ends_sessions, link (or nil: hash, name, kind, until, lasts_ms; it takes the place of an earlier one), audit, audit_ms.
-- Returns 1, or 0 when there is one already or none.
local account = P .. 'staff:' .. a.key
if (redis.call('EXISTS', account) == 0) ~= a.is_new then return 0 end
for name, value in pairs(a.fields) do
  if value == '' then redis.call('HDEL', account, name) else redis.call('HSET', account, name, value) end
end
if a.ends_sessions then redis.call('HINCRBY', account, 'epoch', 1) end
if a.link then
  local earlier = redis.call('HGET', account, 'link')
  if earlier then redis.call('DEL', P .. 'link:' .. earlier) end
  redis.call('HSET', account, 'link', a.link.hash)
  local link = P .. 'link:' .. a.link.hash
  redis.call('HSET', link, 'name', a.link.name, 'kind', a.link.kind, 'until', a.link['until'])
  redis.call('PEXPIRE', link, a.link.lasts_ms)
end
redis.call('XADD', P .. 'audit', 'MINID', '~', now - a.audit_ms, '*', unpack(a.audit))
return 1
