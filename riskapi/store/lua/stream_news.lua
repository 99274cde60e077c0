-- Read what a stream says since an entry, as far as some types of entries go.
--
-- KEYS    1 stream
-- ARGV    1 id of the entry read last, '' for none   2 most entries looked at   then the types
-- returns {id of the latest entry ('' of an empty stream), 1 where all since is told, else 0}, then type and data of each entry of
--         these types, in their order. Where more came than may be looked at, and where the entry read last is gone, nothing is told
-- TTL     writes nothing
local call, place, types = redis.call, ARGV[1], {}
local last = call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
last = last and last[1] or ''
if last == place then return {last, 1} end
if place == '' then return {last, 0} end
local entries = call('XRANGE', KEYS[1], place, '+', 'COUNT', ARGV[2] + 1)
local found, count = {last, 1}, #entries
if count == 0 or entries[1][1] ~= place or entries[count][1] ~= last then return {last, 0} end
for at = 3, #ARGV do types[ARGV[at]] = true end
for number = 2, count do
  local fields, type, data = entries[number][2], nil, nil
  for at = 1, #fields, 2 do
    if fields[at] == 'type' then type = fields[at + 1] elseif fields[at] == 'data' then data = fields[at + 1] end
  end
  if types[type] and data then
    found[#found + 1] = type
    found[#found + 1] = data
  end
end
return found
