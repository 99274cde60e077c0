-- An entry of a stream as it is told: id, type, data, and the number of the try.
local function entry(id, fields, tries)
  local found = {id, '', '', tries}
  for at = 1, #fields, 2 do
    if fields[at] == 'type' then found[2] = fields[at + 1] end
    if fields[at] == 'data' then found[3] = fields[at + 1] end
  end
  return found
end

-- What is new in streams for a consumer of a group, as XREADGROUP gives it: of each, `most` entries at once until there
-- are as many of some types. Those of other types are finished as they are read: NOACK puts them in nobody's hands, and
-- XCLAIM the wanted ones in the consumer's. `types` stand between commas, none are all. Some 250 entries of a stream are
-- looked at, which is 0.3 ms of the store.
-- returns by stream {entries, how many were looked at, the id of the last ('' for none), 1 where there may be more, else 0}
local function new_entries(keys, group, consumer, most, types)
  local wanted, told, left = {}, {}, keys
  for type in string.gmatch(types, '[^,]+') do wanted[type] = true end
  for _, key in ipairs(keys) do told[key] = {{}, 0, '', 0} end
  while #left > 0 do
    local ask = {'XREADGROUP', 'GROUP', group, consumer, 'COUNT', most, 'STREAMS'}
    if types ~= '' then table.insert(ask, 7, 'NOACK') end
    for _, key in ipairs(left) do ask[#ask + 1] = key end
    for _ = 1, #left do ask[#ask + 1] = '>' end
    left = {}
    for _, read in ipairs(redis.call(unpack(ask)) or {}) do
      local key, rows, claim = read[1], read[2], {}
      local found, looked = told[key][1], told[key][2] + #rows
      for _, row in ipairs(rows) do
        local each = entry(row[1], row[2], 1)
        if types == '' or wanted[each[2]] then
          found[#found + 1] = each
          claim[#claim + 1] = each[1]
        end
      end
      if types ~= '' and #claim > 0 then
        for _, word in ipairs({'RETRYCOUNT', 1, 'FORCE', 'JUSTID'}) do claim[#claim + 1] = word end
        redis.call('XCLAIM', key, group, consumer, 0, unpack(claim))
      end
      local is_full = #found >= most or looked >= 250
      told[key] = {found, looked, rows[#rows][1], #rows == most and is_full and 1 or 0}
      if #rows == most and not is_full then left[#left + 1] = key end
    end
  end
  return told
end
