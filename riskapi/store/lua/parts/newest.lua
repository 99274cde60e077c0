-- The newest members of an entity, read once, and what they tell: for entity_touch.lua, whose names it goes by (`at`, `last`,
-- `user`, `crowds`, `sort_of` …). Making a number of a text, and asking the store, take long: each is done only where it must be.

-- The newest of an entity: {told = {member, score, …}, size, top (the highest score, 0 for none), whole (whether that is all
-- of it)}. Scores are numbers or texts; making a number of a text takes long, so no more of them than needed are.
local function list_of(told, whole)
  return {told = told, size = #told / 2, top = tonumber(told[2]) or 0, whole = whole, bottom = false}
end

-- The score at a place of the list, as a number. It is kept there: searching asks for the same ones again.
local function score_at(list, place)
  local score = list[place]
  if not score then
    score = tonumber(list.told[2 * place])
    list[place] = score
  end
  return score
end

-- The newest of a sorted set, marks first, as many as are told of those who came close in time, and the marks of a thing that
-- binds and was found to be a hub or none. Where only who came last is told, two say whether it has marks, or is due, and where
-- nobody is, one does: to read 34 takes seven times as long.
local function newest_of_set(i)
  local key, crowd, sort, most = KEYS[i], crowds[i], sort_of(i), 34
  if crowd == -1 or crowd == -3 then
    most = 1
  elseif sort == 'c' then
    most = 2
  elseif sort == 'f' then
    local size = call('ZCARD', key)
    if size == 0 then return list_of({}, true) end
    if size > crowd then most = 2 end
  end
  local told = call('ZREVRANGE', key, 0, most - 1, 'WITHSCORES')
  return list_of(told, #told < 2 * most)
end

local function bottom_of(list)
  list.bottom = list.bottom or score_at(list, list.size)
  return list.bottom
end

-- How many of the newest have a score over a limit, or, with `too`, the limit itself.
local function over(list, limit, too)
  if list.size == 0 or list.top < limit or (list.top == limit and not too) then return 0 end
  if bottom_of(list) > limit or (list.bottom == limit and too) then return list.size end
  local least, most, score = nil, 1, nil
  repeat -- few mostly: marks, or those that came later
    least, most = most, math.min(2 * most, list.size)
    score = score_at(list, most)
  until most == list.size or not (score > limit or (too and score == limit))
  most = most - 1
  while least < most do
    local middle = math.ceil((least + most) / 2)
    score = score_at(list, middle)
    if score > limit or (too and score == limit) then least = middle else most = middle - 1 end
  end
  return least
end

-- Whether the newest tell of all that came from a time on.
local function tells(list, from) return list.whole or bottom_of(list) < from end

-- How many accounts touched an entity after a time, those left out that come later than clocks differ. `apart` are those
-- that the list does not have.
local function came(list, key, from, apart)
  if tells(list, from) then return over(list, from) - over(list, last) + apart end
  -- Making a text of a number takes long, and an hour ago is asked of each.
  after[from] = after[from] or '(' .. from
  return call('ZCOUNT', key, after[from], last)
end

-- Read so many more of a sorted set, behind the lowest of the list; `apart` is how many were added before that since. Returns
-- whether it still stands where it did: a proof may have been added, too.
local function read_on(list, key, most, apart)
  local told, size = list.told, list.size
  local place = size - 1 + apart
  local more = call('ZREVRANGE', key, place, place + most, 'WITHSCORES')
  if more[1] ~= told[2 * size - 1] then return false end
  for j = 3, #more do told[2 * size + j - 2] = more[j] end
  list.size, list.bottom = #told / 2, false
  return true
end

-- The newest others since a time, at most so many: "user_id at user_id at …", how many, and when the last of them came.
local function others_of(list, key, from, most, apart)
  local told, first, till = list.told, 2 * over(list, last) + 1, 2 * over(list, from, true)
  local lack = 2 * most - (till - first + apart)
  if lack > 0 and not tells(list, from) then
    -- A few mostly, where marks stand among the newest.
    local fits = first <= till and (apart == 0 or at > bottom_of(list))
    if fits and read_on(list, key, math.ceil(lack / 2), apart) then
      till = 2 * over(list, from, true)
    else
      told = call('ZREVRANGEBYSCORE', key, last, from, 'WITHSCORES', 'LIMIT', 0, most + 1)
      first, till, apart = 1, #told, 0
    end
  end
  if apart == 1 and type(told[2]) == 'string' then -- the account is not among them
    till = math.min(till, first + 2 * most - 1)
    return table.concat(told, ' ', first, till), (till - first + 1) / 2, told[till]
  end
  local found, size = {}, 0
  for j = first, till, 2 do
    if size == 2 * most then break end
    local name, time = told[j], told[j + 1]
    if name ~= user then
      found[size + 1], found[size + 2] = name, type(time) == 'number' and string.format('%.17g', time) or time
      size = size + 2
    end
  end
  return table.concat(found, ' '), size / 2, found[size]
end

-- How many accounts there are since retention began, and since when bad ones are counted: over the same stretch of time.
local function accounts_of(list, key, apart)
  if list.whole then return over(list, oldest, true) - over(list, 5e11, true) + apart, oldest end
  local accounts = call('ZCOUNT', key, oldest, '(5e11')
  if accounts <= keep * 1.05 then return accounts, oldest end
  -- The oldest account stays: it may be the holder of the entity.
  call('ZREMRANGEBYRANK', key, 1, accounts - keep)
  return keep, math.max(oldest, tonumber(call('ZRANGE', key, 1, 1, 'WITHSCORES')[2]))
end
