-- Read who was put to the tier `limit` lately by something else than a person.
--
-- KEYS    1 decisions stream of a shard
-- ARGV    1 entries looked at, the latest first
-- returns the data of the entries that say so, the latest first
-- TTL     writes nothing
local found = {}
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])) do
  local fields, kind, data = entry[2], nil, nil
  for at = 1, #fields, 2 do
    if fields[at] == 'type' then kind = fields[at + 1] elseif fields[at] == 'data' then data = fields[at + 1] end
  end
  local word = (kind == 'decision' and '"tier":"limit"') or (kind == 'tier' and '"to":"limit"')
  if word and data and string.find(data, word, 1, true) then found[#found + 1] = data end
end
return found
