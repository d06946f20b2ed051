-- RENEW: keep the lease a while longer. Returns 0 when it is no longer ours: stop.
go_on_although_full()
if not holds(a.conv, a.token) then return 0 end
redis.call('ZADD', P .. 'leases', now + a.lease_ms, a.conv)
return 1
