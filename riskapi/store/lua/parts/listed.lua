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

-- Take the entry with this id out of a field, where it still stands there.
local function take(field, letter, id)
  local kept, held = others(field, letter)
  if held ~= id then return end
  if #kept == 0 then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, table.concat(kept, ' ')) end
end

-- Let an entry without flags stand in its field until `expires`, a Unix time or '' for never, and be swept then.
local function stand(field, letter, id, expires, expiries)
  local kept = others(field, letter)
  kept[#kept + 1] = letter .. id .. '|' .. (expires == '' and '0' or expires) .. '|'
  redis.call('HSET', KEYS[1], field, table.concat(kept, ' '))
  if expires ~= '' then redis.call('ZADD', expiries, expires, id) else redis.call('ZREM', expiries, id) end
end
