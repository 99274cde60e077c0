-- What a new account usually touches, in a few steps each: for entity_touch.lua, whose names it goes by. Each tells nil, and
-- changes nothing, where the thing is not such a one. Needs `newest`, `entity_rows` and `packed`.

-- Touch a sorted set that was touched today and has no marks, or only those of a bond. Returns what is told of it.
local function told_of_set(i, list)
  local key, crowd, latest, marks = KEYS[i], crowds[i], list.top, 0
  while latest >= 5e11 do
    if string.sub(list.told[2 * marks + 1], 1, 1) ~= '=' then return end
    marks = marks + 1
    latest = marks < list.size and score_at(list, marks + 1) or 0
  end
  if latest < today then return end
  local place, counted = marks, crowd == -1 or crowd == -3
  if latest >= at and not counted then
    place = over(list, at, true)
    if place ~= over(list, at) or (place == list.size and not list.whole) then return end
  end
  if call('ZADD', key, 'NX', at_text, user) == 0 then return end
  local accounts, since = accounts_of(list, key, 1)
  local earlier = accounts - place - 1
  if list.whole then earlier = list.size - place elseif marks > 0 then earlier = call('ZRANK', key, user) end
  local row = row_of(i, list, accounts, since, 0, 0, 1, earlier)
  return marks > 0 and not counted and bound_row(row, list, marks) or row
end

-- The same of one that is only counted and has any marks.
local function told_of_counted(i, list)
  local key = KEYS[i]
  if crowds[i] ~= -1 or list.top < 5e11 or list.top > 89e11 then return end
  -- When it was touched is behind its marks, and not read.
  if call('TTL', key) < retention - 86400 then return end
  if call('ZADD', key, 'NX', at_text, user) == 0 then return end
  local accounts, since = accounts_of(list, key, 1)
  local abusive = list.top > 19e11 and call('ZCOUNT', key, 2e12 + since, 2e12 + last) or 0
  return counted_row(accounts, abusive, call('ZCOUNT', key, 1e12 + since, 1e12 + last))
end

-- The same of a packed one that stays one, and of which nothing is to be forgotten.
local function told_of_packed(i)
  local told = unpacked(replies[i])
  local list = list_of(told, true)
  if list.size == 0 or list.size == FEW or list.top >= 5e11 then return end
  if list.top < today and bottom_of(list) < oldest then return end
  for j = 1, 2 * list.size, 2 do
    if told[j] == user or told[j + 1] == at then return end
  end
  local place, accounts, since = over(list, at), accounts_of(list, KEYS[i], 1)
  local row = row_of(i, list, accounts, since, 0, 0, 1, list.size - place)
  insert_two(told, 2 * place + 1, user, at)
  args[#args + 1], args[#args + 2] = KEYS[i], cmsgpack.pack(told)
  return row
end
