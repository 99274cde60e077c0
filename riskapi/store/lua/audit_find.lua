-- Find notes of the audit log by words in their text, the newest first.
--
-- KEYS    1 audit log, a stream
-- ARGV    1 where to begin, at the newest   2 where to end   3 most notes looked at   4 most notes found   then the words, all of
--         which a note must have
-- returns the id of the note looked at last, '' where there are no older ones; then each note as its id and its fields
-- TTL     writes nothing
local newest, left, most, size = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), 250
local found = {''}

local function wanted(fields)
  local data = ''
  for at = 1, #fields, 2 do
    if fields[at] == 'data' then data = fields[at + 1] end
  end
  for at = 5, #ARGV do
    if not string.find(data, ARGV[at], 1, true) then return false end
  end
  return true
end

while left > 0 do
  local entries = redis.call('XREVRANGE', KEYS[1], newest, ARGV[2], 'COUNT', math.min(size, left))
  for _, entry in ipairs(entries) do
    if wanted(entry[2]) then
      found[#found + 1] = entry
      if #found > most then
        found[1] = entry[1]
        return found
      end
    end
  end
  if #entries < math.min(size, left) then return found end
  left = left - #entries
  newest = '(' .. entries[#entries][1]
end
found[1] = string.sub(newest, 2)
return found
