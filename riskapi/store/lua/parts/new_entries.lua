-- An entry of a stream as it is told: id, type, data, and the number of the try.
local function entry(id, fields, tries)
  local found = {id, '', '', tries}
  for at = 1, #fields, 2 do
    if fields[at] == 'type' then found[2] = fields[at + 1] end
    if fields[at] == 'data' then found[3] = fields[at + 1] end
  end
  return found
end

-- What is new in a stream for a consumer of a group, as XREADGROUP gives it: up to `most` entries of some types. Those of
-- other types are finished as they are read: NOACK puts them in nobody's hands, and XCLAIM the wanted ones in the
-- consumer's. `types` stand between commas, none are all. At most 250 entries are looked at, some 0.3 ms of the store.
-- returns the entries, how many were looked at, the id of the last ('' for none), 1 where there may be more, else 0
local function new_entries(key, group, consumer, most, types)
  local found, looked, last, more, wanted, claimed = {}, 0, '', 0, {}, {}
  for type in string.gmatch(types, '[^,]+') do wanted[type] = true end
  local ask = {'XREADGROUP', 'GROUP', group, consumer, 'COUNT', most, 'STREAMS', key, '>'}
  if types ~= '' then table.insert(ask, 7, 'NOACK') end
  repeat
    ask[6] = most - #found
    local new = ask[6] > 0 and redis.call(unpack(ask))
    local rows = new and new[1][2] or {}
    for _, row in ipairs(rows) do
      local told = entry(row[1], row[2], 1)
      if types == '' or wanted[told[2]] then
        found[#found + 1] = told
        claimed[#claimed + 1] = told[1]
      end
      last = told[1]
    end
    looked = looked + #rows
    more = (#found >= most or looked >= 250) and 1 or 0
  until more == 1 or #rows < ask[6]
  if types ~= '' and #claimed > 0 then
    for _, word in ipairs({'RETRYCOUNT', 1, 'FORCE', 'JUSTID'}) do claimed[#claimed + 1] = word end
    redis.call('XCLAIM', key, group, consumer, 0, unpack(claimed))
  end
  return found, looked, last, more
end
