-- LABEL: what somebody of the staff said of an automatic answer, or that they take it back. Only while its words are
-- kept: of whom we were told to forget nothing is written any more.
-- a: conv, turn, item (one that holds the customer's words), at, record ("" takes it back), keep_s, most.
-- Returns 1, or 0 where the words are gone.
local label, member = P .. 'label:' .. a.turn, a.conv .. ' ' .. a.turn
go_on_although_full()
if a.record == '' then
  redis.call('DEL', label)
  redis.call('ZREM', P .. 'labels', member)
  return 1
end
if redis.call('EXISTS', P .. 'item:' .. a.item) == 0 then return 0 end
redis.call('SET', label, a.record, 'EX', a.keep_s)
redis.call('ZADD', P .. 'labels', a.at, member)
redis.call('ZREMRANGEBYRANK', P .. 'labels', 0, -1 - a.most)
redis.call('ZREMRANGEBYSCORE', P .. 'labels', '-inf', now - a.keep_s * 1000)
redis.call('EXPIRE', P .. 'labels', a.keep_s)
return 1
