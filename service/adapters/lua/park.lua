-- PARK: give the lease back and come again after a.delay_ms. Costs no attempt. Returns 0 when the lease was not ours.
go_on_although_full()
if not holds(a.conv, a.token) then return 0 end
release(a.conv, now + a.delay_ms)
return 1
