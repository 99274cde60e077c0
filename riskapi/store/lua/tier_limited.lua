-- Read who was put to the tier `limit` lately by something else than a person.
--
-- KEYS    1 decisions stream of a shard
-- ARGV    1 entries looked at, the latest first   2 id of the entry that was looked at last, '' for none
-- returns the id of the latest entry, '' where none came since; then the data of the entries that say so, the latest first
-- TTL     writes nothing
local start = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local entries = redis.call('XREVRANGE', KEYS[1], '+', start, 'COUNT', ARGV[1])
local found = {entries[1] and entries[1][1] or ''}
for _, entry in ipairs(entries) do
  local fields, kind, data = entry[2], nil, nil
  for at = 1, #fields, 2 do
    if fields[at] == 'type' then kind = fields[at + 1] elseif fields[at] == 'data' then data = fields[at + 1] end
  end
  local word = (kind == 'decision' and '"tier":"limit"') or (kind == 'tier' and '"to":"limit"')
  if word and data and string.find(data, word, 1, true) then found[#found + 1] = data end
end
return found
