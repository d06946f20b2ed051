-- SWITCH: set something for the whole shop, with its line in the audit log, and tell whoever watches, in one step.
-- a: name (of the shop's field), value ("" takes it away), audit, audit_ms.
if a.value == '' then redis.call('HDEL', P .. 'shop', a.name) else redis.call('HSET', P .. 'shop', a.name, a.value) end
redis.call('XADD', P .. 'live', 'MAXLEN', '~', 10000, '*', 'conv', '@shop', 'what', 'switch')
redis.call('XADD', P .. 'audit', 'MINID', '~', now - a.audit_ms, '*', unpack(a.audit))
return 1
