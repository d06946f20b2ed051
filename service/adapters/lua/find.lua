-- FIND: look through a stretch of a list of handoffs for what is wanted. Writes nothing.
-- a: status, first (the lowest score, or "-inf"), start (how many from there to pass over), count, assignee (with the
-- newline behind it), tag (between tabs), words; "" and none mean anything. service/core/searching.py writes the lines.
-- Returns {id, score, found, ...}: "1" where the line fits, "0" where it does not, "?" where there is none.
local rows = redis.call('ZRANGEBYSCORE', P .. 'handoffs:' .. a.status, a.first, '+inf', 'WITHSCORES', 'LIMIT', a.start, a.count)
if #rows == 0 then return {} end
local ids = {}
for i = 1, #rows, 2 do ids[#ids + 1] = rows[i] end
local lines = redis.call('HMGET', P .. 'search', unpack(ids))

local function fits(line)
  if string.sub(line, 1, #a.assignee) ~= a.assignee then return '0' end
  if a.tag ~= '' and not string.find(string.match(line, '\n(.-)\n'), a.tag, 1, true) then return '0' end
  local text = string.find(line, '\n', string.find(line, '\n', 1, true) + 1, true)
  for _, word in ipairs(a.words) do
    if not string.find(line, word, text, true) then return '0' end
  end
  return '1'
end

local found = {}
for i, id in ipairs(ids) do
  found[#found + 1] = id
  found[#found + 1] = rows[2 * i]
  found[#found + 1] = lines[i] and fits(lines[i]) or '?'
end
return found
