-- FAIL: the handler raised; count it, give the lease back and come again later, each time later. The third time TAKE hands
-- it out as poison.
go_on_although_full()
if not holds(a.conv, a.token) then return 0 end
local errors = redis.call('HINCRBY', conv_key(a.conv), 'errors', 1)
release(a.conv, now + math.min(60000, 500 * 2 ^ math.min(errors, 10)))
return errors
