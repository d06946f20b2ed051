-- KEEP: what became of a photo that was handed out. The number of its tries fences it.
-- a: message, tries (as handed out); and one of
-- part (from 0) and data: it comes in parts, since a large one would hold Redis up for a third of a second;
-- type and size (of all parts, which are written), keep_s, most_of_one and most_of_all (bytes of one customer's photos, and
-- of all); why (there is none); delay_ms (it is to be tried again then).
-- Returns 1; 0, with nothing written, when it was taken back or erased, or handed out anew.
local photo = photo_key(a.message)
if redis.call('HGET', photo, 'tries') ~= tostring(a.tries) then return 0 end

-- The newest stay. A photo that is not there takes no room.
local function make_room(index, most)
  local total = 0
  for _, message in ipairs(redis.call('ZREVRANGE', index, 0, -1)) do
    local size = tonumber(redis.call('HGET', photo_key(message), 'size') or 0)
    total = total + size
    if redis.call('EXISTS', photo_key(message)) == 0 then
      redis.call('ZREM', index, message)
    elseif total > most and size > 0 then
      give_up(message, 'no_room')
    end
  end
end

if a.part then
  redis.call('HSET', photo, a.part, a.data)
  return 1
end
if a.delay_ms then
  redis.call('ZADD', P .. 'photos', now + a.delay_ms, a.message)
  return 1
end
local conv = redis.call('HGET', photo, 'conv')
if a.type then
  redis.call('HSET', photo, 'type', a.type, 'size', a.size)
  redis.call('HDEL', photo, 'tries')
  redis.call('ZADD', P .. 'shelf', now, a.message)
  redis.call('EXPIRE', P .. 'shelf', a.keep_s)
  make_room(album_key(conv), a.most_of_one)
  make_room(P .. 'shelf', a.most_of_all)
else
  give_up(a.message, a.why)
end
redis.call('ZREM', P .. 'photos', a.message)
redis.call('XADD', P .. 'live', 'MAXLEN', '~', 10000, '*', 'conv', conv, 'what', 'photo')
return 1
