-- RETRY: put a dead letter back where it came from: once, however often it is called.
-- a: letter (its id in the stream), conv, at (when what it holds was said, ms), within_ms, force,
-- event and raw (back into the mailbox, due now), or item (an element of the outbox, back at its end).
-- Returns "done"; or, with nothing changed, "gone" (no such letter any more), "old" (and not forced), "full" (the mailbox).
go_on_although_full()
if #redis.call('XRANGE', P .. 'dead', a.letter, a.letter) == 0 then return 'gone' end
if not a.force and now - a.at > a.within_ms then return 'old' end
if a.event and redis.call('LLEN', box_key(a.conv)) >= MOST_WAITING then return 'full' end
redis.call('XDEL', P .. 'dead', a.letter)
if a.event then
  redis.call('RPUSH', box_key(a.conv), a.event .. ' ' .. now .. '\n' .. a.raw)
else
  redis.call('RPUSH', out_key(a.conv), a.item)
end
-- Whoever holds the lease makes it ready again when giving it back.
if redis.call('HEXISTS', conv_key(a.conv), 'lease') == 0 then make_ready(a.conv, now) end
return 'done'
