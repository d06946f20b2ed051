-- REDEEM: use a one-time link up, and set the password that came with it, in one step.
-- a: hash (of the link), key (whose account), password (or "": the link only signs in), audit, audit_ms.
-- A password ends all sessions. Returns the account's epoch, or false when the link is gone or the account disabled.
local account = P .. 'staff:' .. a.key
if redis.call('HEXISTS', account, 'disabled') == 1 then return false end
if redis.call('HGET', account, 'link') ~= a.hash then return false end
if redis.call('DEL', P .. 'link:' .. a.hash) == 0 then return false end
redis.call('HDEL', account, 'link')
if a.password ~= '' then
  redis.call('HSET', account, 'password', a.password)
  redis.call('HINCRBY', account, 'epoch', 1)
end
redis.call('XADD', P .. 'audit', 'MINID', '~', now - a.audit_ms, '*', unpack(a.audit))
return redis.call('HGET', account, 'epoch') or '0'
