-- The entries that share a field of the table of lists: `<letter><id>|<expires>|<flags>` for each, parted by spaces.
-- See riskapi/lists/matching.py.

-- The entries of a field except that of one letter, as a list, and the id of that one, '' where there is none.
local function others(field, letter)
  local kept, id = {}, ''
  for entry in string.gmatch(redis.call('HGET', KEYS[1], field) or '', '%S+') do
    if string.sub(entry, 1, 1) == letter then id = string.match(entry, '^%a([^|]+)') else kept[#kept + 1] = entry end
  end
  return kept, id
end

-- What the table tells of the kinds of its entries, see riskapi/lists/signup_entries.py: generation, number of its other fields,
-- kinds with a space after each, sign. Nothing where it does not, or somebody wrote since who does not keep it.
local function told_kinds()
  local said = redis.call('HGET', KEYS[1], 'kinds') or ''
  local generation, fields, kinds, sign = string.match(said, '^(%w+) (%d+) ([%w_ ]*)([+?])$')
  if generation and tonumber(fields) == redis.call('HLEN', KEYS[1]) - 1 then return generation, fields, kinds, sign end
end

local function with_kind(kinds, kind)
  if string.find(' ' .. kinds, ' ' .. kind .. ' ', 1, true) then return kinds end
  return kinds .. kind .. ' '
end

-- Let these entries stand in a field, or nothing, and have the table tell of their kind.
local function write(field, entries)
  local call, more, generation, fields, kinds, sign = redis.call, 0, told_kinds()
  if #entries == 0 then
    more = -call('HDEL', KEYS[1], field)
  else
    more = call('HSET', KEYS[1], field, table.concat(entries, ' '))
    kinds = generation and with_kind(kinds, string.match(field, '^[^:]+'))
  end
  if generation then
    call('HSET', KEYS[1], 'kinds', generation .. ' ' .. fields + more .. ' ' .. kinds .. sign)
  else
    call('HDEL', KEYS[1], 'kinds')
  end
end

-- Take the entry with this id out of a field, where it still stands there.
local function take(field, letter, id)
  local kept, held = others(field, letter)
  if held ~= id then return end
  write(field, kept)
end

-- Let an entry without flags stand in its field until `expires`, a Unix time or '' for never, and be swept then.
local function stand(field, letter, id, expires, expiries)
  local kept = others(field, letter)
  kept[#kept + 1] = letter .. id .. '|' .. (expires == '' and '0' or expires) .. '|'
  write(field, kept)
  if expires ~= '' then redis.call('ZADD', expiries, expires, id) else redis.call('ZREM', expiries, id) end
end
