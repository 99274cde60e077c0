-- What entity_touch.lua tells of an entity, but for its marks. Needs `newest`.

-- What is told of an entity that is only counted.
local function counted_row(accounts, abusive, limited) return struct.pack('<iii', accounts, abusive, limited) end

-- What is told of an entity that others share, without its marks.
local function row_of(i, list, accounts, since, abusive, limited, apart, earlier)
  local key, crowd = KEYS[i], crowds[i]
  if crowd == -1 or crowd == -3 then return counted_row(accounts, abusive, limited) end
  -- The first window is asked first: where it has all accounts, so have the longer ones.
  local hour, day, month = came(list, key, at - 3600, apart), 0, 0
  day = hour == accounts and retention >= 86400 and hour or came(list, key, at - 86400, apart)
  if crowd ~= -2 then
    month = day == accounts and retention >= 2592000 and day or came(list, key, at - 2592000, apart)
  end
  local others, sort = nil, list.top < 5e11 and sort_of(i)
  local crowded = crowd == -2 or (crowd > 0 and month > crowd)
  if crowded then
    others = others_of(list, key, math.max(since, at - near), (sort == 'c' or sort == 'f') and 1 or 32, apart)
  elseif sort == 'c' then
    others = others_of(list, key, since, 1, apart)
  else
    local count, time
    others, count, time = others_of(list, key, since, 8, apart)
    if count == 8 and tonumber(time) >= at - near then others = others_of(list, key, at - near, 32, apart) end
  end
  local past = 0
  if accounts > 1 and (accounts > math.max(hour, day) or past_from < 86400) then
    local before = at - past_from
    past = list.whole and over(list, since, true) - over(list, before, true) or call('ZCOUNT', key, since, '(' .. before)
  end
  return struct.pack('<iiiiiiii', accounts, hour, day, month, abusive, limited, past, earlier) .. others
end

-- The same of one whose marks, so many, are only those of a bond: whether it binds, and when it was found to be a hub or none.
local function bound_row(row, list, marks)
  local binds, looked = 0, 0
  for j = 1, marks do
    local mark = list.told[2 * j - 1]
    if mark == '=' then
      binds = 1
    else
      local found = score_at(list, j)
      looked = mark == '=h' and found - 5e12 or 5e12 - found
    end
  end
  return {row, binds, 0, 0, 0, 0, '', '', 0, 0, tostring(looked)}
end
