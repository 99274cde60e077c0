-- Touch entities for one account and count who else shares them. One atomic step for each key given.
--
-- An entity is one sorted set, packed in a string while it has few members (parts/entities.lua). Members and scores:
--   <user_id>    at          the account touched the entity at Unix time `at`
--   ~<user_id>   1e12 + at   … and that account is limited now
--   !<user_id>   2e12 + at   … and that account is labelled abusive now
--   $<user_id>   3e12 + t    … and that account ran out of a cap at Unix time `t`, the last time it did
--   ^<user_id>   4e12 + t    … and that account came near a cap at `t` (see entity_spend.lua)
--   =            5e12        the entity binds its accounts into a cluster now (see entity_bind.lua)
--   =h, =n       5e12 + t    … it was found to be a hub at `t`, or not to be one (see riskapi/links/hubs.py)
--   %<user_id>   6e12 + t    … and that account proved at `t` that the entity is its own (see entity_prove.lua)
--   &<user_id>   7e12 + t    … and that account is an established customer since `t` (see entity_mark.lua)
--   #<user_id>   8e12 + t    … and that account used the entity first at `t`, where <user_id> has the latest time
--   *            9e12        a reviewer said that the entity binds nobody (see entity_cut.lua)
--   *<user_id>   9e12 + at   a reviewer cut this account from the entity; its own member is gone
-- A user_id never starts with one of these signs, and no time a caller can give reaches 3e11 (year 9999) or -1e11.
--
-- KEYS    the entities, those that many share first: all of them on one node, one a call on a cluster; then, where there is one key
--         more than letters in ARGV[4], the account's hash:
--         its field `things` names the entities that are its own and make no claim, and `established` since when it is an
--         established customer, which nobody is whose `label` is abuse
-- ARGV    1 user_id   2 `at`, the Unix time, as a text   3 'look' only looks, 'first' adds the account and its first time stands,
--         'latest' its latest stands
--         4 a text with a letter for each entity: 'p' the account proved that it is its own, 'o' somebody can hold it, '-' nobody
--         can: a place, or what addresses and numbers have in common; 'f' the same, and of a crowd only who came last is told; 'c'
--         it is a crowd's by nature, and only who came last is told. Marks of any sort make of 'f' and 'c' a '-'
--         5 six numbers of eight bytes: `at` again, retention (seconds), how many accounts a key keeps at most, the seconds that are
--         close in time, those that are a past, and those after which what an established customer uses is its own
--         6 a number of four bytes for each entity, of how many accounts on it is a crowd (0: never; -1: only counted for reputation;
--         -2: counted, and who came last is told; -3: counted as a site, where nobody is bad if an established customer uses it, and
--         whose toucher is bad if its account is). JSON would take twenty times as long to read
-- returns for each entity -1 for one of the account's own; 0 or 1 where it has only so many accounts; of one that is only counted
--         (-1, -3) accounts, abusive, limited, of any other accounts, 1h, 24h, 30d, abusive, limited, past, earlier, and others: the
--         numbers in four bytes each, since a reply of nine parts takes five times as long to make, and others as the rest of that text.
--         accounts and windows are distinct accounts, the toucher included; abusive,
--         limited and others leave the toucher out. Others are a text, "user_id at user_id at …" (no user_id has a blank): up to
--         eight, newest first, and up to 32 of those that came close in time; of a crowd only the latter. past: accounts that
--         were there before `past`; earlier: those that came before this one. 30d is 0 for a crowd of -2, which nobody
--         asks. Where there are marks of the last sorts, a list of that text and ten more:
--         binds (0 or 1), of the others those that ran out within 24 h and within 7 d, the Unix time of the last (0: none
--         within retention), those near a cap within 7 d, the holders (a text, parted by blanks), how they came to it ('proof',
--         'first', 'use' or ''), how many other holders are abusive and limited, and when it was found to be a hub (negative: to
--         be none; 0: never looked at). For an entity that was cut, or the account was cut from, only the account itself is told
-- TTL     retention, renewed by the first touch of a day (UTC), of a packed one by each that changes it; what is older than
--         retention goes with the first touch of a day, too. The oldest of more accounts than are kept go once they are a
--         twentieth more, so that many go at once
--
-- Two ways through it: first what a new account usually touches (new, or touched today already and without marks, or only
-- counted), which needs little; then all the rest, with the functions that need making at each call only there.
--+ packed
local call = redis.call
local user, at_text, adds, sorts = unpack(ARGV)
local at, retention, keep, near, past_from, long = struct.unpack('<dddddd', ARGV[5])
local count, touch = #sorts, adds ~= 'look'
local crowds = {struct.unpack('<' .. string.rep('i', count), ARGV[6])}
local last = at + 300 -- clocks of callers differ by up to the five minutes the contract allows
-- What is read at once of an entity that is a sorted set, newest and marks first: as many as are told of those who came close
-- in time, and the marks of a thing that binds and was found to be a hub or none. Where nobody is told of, or only who came last, the newest two say whether it has marks, or is
-- due: to read 34 takes seven times as long.
local NEWEST, NEWEST_FEW = 34, 2
local oldest, month_ago, day_ago, hour_ago = at - retention, at - 2592000, at - 86400, at - 3600
local today, after = math.floor(at / 86400) * 86400, {}

local proofs = string.find(sorts, 'p', 1, true)
local function sort_of(i) return string.sub(sorts, i, i) end
local function is_proved(i) return proofs and sort_of(i) == 'p' end

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

local function newest_of_set(i)
  local key, crowd, sort, most = KEYS[i], crowds[i], sort_of(i), NEWEST
  if crowd == -1 or crowd == -3 or sort == 'c' or (sort == 'f' and call('ZCARD', key) > crowd) then most = NEWEST_FEW end
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
  -- The oldest stays: it may hold the entity.
  call('ZREMRANGEBYRANK', key, 1, accounts - keep)
  return keep, math.max(oldest, tonumber(call('ZRANGE', key, 1, 1, 'WITHSCORES')[2]))
end

-- What is told of an entity that is only counted.
local function counted_row(accounts, abusive, limited) return struct.pack('<iii', accounts, abusive, limited) end

-- What is told of an entity that others share, without its marks.
local function row_of(i, list, accounts, since, abusive, limited, apart, earlier)
  local key, crowd = KEYS[i], crowds[i]
  if crowd == -1 or crowd == -3 then return counted_row(accounts, abusive, limited) end
  -- The first window is asked first: where it has all accounts, so have the longer ones.
  local hour, day, month = came(list, key, hour_ago, apart), 0, 0
  day = hour == accounts and retention >= 86400 and hour or came(list, key, day_ago, apart)
  if crowd ~= -2 then
    month = day == accounts and retention >= 2592000 and day or came(list, key, month_ago, apart)
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

local own, established, bad = '', false, false
if #KEYS > count then
  local account = call('HMGET', KEYS[#KEYS], 'things', 'established', 'label')
  own, established, bad = account[1] or '', account[2], account[3] == 'abuse'
end
local args, rest, lists, quick = {}, {}, {}, adds == 'first' and #KEYS == count
-- What is told of each; until then the text of one that is packed.
local replies = call('MGET', unpack(KEYS, 1, count))

-- Whether it may be a day since the time to live was renewed: whoever touched it first on a day (of UTC) renews it.
local function is_due(list)
  local j = over(list, 5e11, true) + 1
  if list.told[2 * j - 1] == user then j = j + 1 end
  return j > list.size or score_at(list, j) < today
end

-- Touch a sorted set without marks that was touched today. Returns what is told of it, nil where this is not such a one.
local function told_of_set(i, list)
  local key, crowd, place = KEYS[i], crowds[i], 0
  if list.top >= 5e11 or list.top < today or is_proved(i) then return end
  if list.top >= at and crowd ~= -1 and crowd ~= -3 then
    place = over(list, at, true)
    if place ~= over(list, at) or (place == list.size and not list.whole) then return end
  end
  if call('ZADD', key, 'NX', at_text, user) == 0 then return end
  local accounts, since = accounts_of(list, key, 1)
  local earlier = list.whole and list.size - place or accounts - place - 1
  return row_of(i, list, accounts, since, 0, 0, 1, earlier)
end

-- The same of one that is only counted and has marks.
local function told_of_counted(i, list)
  local key = KEYS[i]
  if crowds[i] ~= -1 or list.top < 5e11 or list.top > 89e11 or is_proved(i) then return end
  if is_due(list) and call('TTL', key) < retention - 86400 then return end
  if call('ZADD', key, 'NX', at_text, user) == 0 then return end
  local accounts, since = accounts_of(list, key, 1)
  local abusive = list.top > 19e11 and call('ZCOUNT', key, 2e12 + since, 2e12 + last) or 0
  return counted_row(accounts, abusive, call('ZCOUNT', key, 1e12 + since, 1e12 + last))
end

-- The same of a packed one that stays one, and of which nothing is to be forgotten.
local function told_of_packed(i)
  local told = unpacked(replies[i])
  local list = list_of(told, true)
  if list.size == 0 or list.size == FEW or list.top >= 5e11 or is_proved(i) then return end
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

-- Which of those that are not strings are not there yet: these begin as packed ones. The others are read, those that many share
-- first, until as many are found as there are. What an account usually writes of one that is new is packed once for all.
local packed = 0
for i = 1, count do
  if replies[i] then packed = packed + 1 end
end
local there = packed < count and call('EXISTS', unpack(KEYS, 1, count)) - packed or 0
local alone_text = quick and cmsgpack.pack({user, at})
for i = 1, count do
  local row, list
  if own ~= '' and string.find(own, KEYS[i], 1, true) then
    row = -1
  elseif replies[i] then
    row = quick and told_of_packed(i)
  else
    if there > 0 then
      list = newest_of_set(i)
      if list.size > 0 then
        there, lists[i] = there - 1, list
      else
        list = nil
      end
    end
    if list then
      row = quick and (told_of_set(i, list) or told_of_counted(i, list))
    elseif quick and not is_proved(i) then
      args[#args + 1], args[#args + 2], row = KEYS[i], alone_text, 1
    end
  end
  if row then replies[i] = row else rest[#rest + 1] = i end
end
if #rest == 0 then
  write_texts(args, retention)
  return replies
end

--+ order
--+ entities
local stands = adds == 'latest' and 'GT' or 'NX'
local MOST_HOLDERS, ALL = 64, 1000000

-- How many accounts other than the toucher have a mark of one sort between two times. `is_new`: the toucher has none, because
-- whoever was not there is not marked.
local function others_marked(thing, sign, region, from, is_new)
  local count = count_between(thing, region + from, region + last)
  if count == 0 or is_new then return count end
  local own = score_of(thing, sign .. user)
  return own and own >= region + from and own <= region + last and count - 1 or count
end

-- Who holds the entity: who proved it; else the oldest account, if it was an established customer when the next came ('first',
-- and named first), and established customers who have used it for long.
local function holders(thing)
  local proofs = names_between(thing, 59e11, '(69e11', MOST_HOLDERS)
  for i, name in ipairs(proofs) do proofs[i] = string.sub(name, 2) end
  if #proofs > 0 then return proofs, 'proof' end
  if count_between(thing, 69e11, 7e12 + at) == 0 then return {}, '' end
  local region, sign = 8e12, 1
  local early = members_between(thing, 79e11, '(89e11', MOST_HOLDERS)
  if #early == 0 then
    region, sign = 0, 0
    early = members_between(thing, '-inf', '(5e11', MOST_HOLDERS)
  end
  local found, how = {}, 'use'
  for i = 1, #early, 2 do
    local name, first = string.sub(early[i], 1 + sign), tonumber(early[i + 1]) - region
    if i > 1 and first > at - long then break end
    local since = score_of(thing, '&' .. name)
    since = since and since - 7e12
    local before = i == 1 and since and (not early[4] or tonumber(early[4]) - region >= since)
    if since and since <= at and (before or first <= at - long) then found[#found + 1] = name end
    if before and since <= at then how = 'first' end
  end
  return found, #found > 0 and how or ''
end

-- The marks of an entity, to be read like one: of a crowd they are the newest by far, and told already where they end among
-- those. They are asked for anew where this touch changes them.
local function marks_of(i, thing, list)
  if thing.packed or stands == 'GT' or is_proved(i) or (not list.whole and bottom_of(list) >= 5e11) then return thing end
  local found, told = {}, list.told
  for j = 1, 2 * list.size, 2 do
    local score = score_at(list, (j + 1) / 2)
    if score < 5e11 then break end
    found[j], found[j + 1] = told[j], score
  end
  return {packed = true, list = found}
end

-- What is told of an entity with the ten parts that marks add. Only asked where there are marks at all.
local function with_marks(row, thing, marks, since, holdable)
  local binds, day, week, latest, near_cap = score_of(marks, '=') and 1 or 0, 0, 0, 0, 0
  if count_between(marks, 29e11, '(49e11') > 0 then
    week = others_marked(marks, '$', 3e12, at - 604800)
    if week > 0 then day = others_marked(marks, '$', 3e12, at - 86400) end
    local newest = members_between(marks, 3e12 + since, 3e12 + last, 2, true)
    local time = newest[newest[1] == '$' .. user and 4 or 2]
    if time then latest = math.max(0, time - 3e12) end
    near_cap = others_marked(marks, '^', 4e12, at - 604800)
  end
  local names, how, abusive, limited = {}, '', 0, 0
  if holdable and count_between(marks, 59e11, '(79e11') > 0 then
    names, how = holders(thing)
    for _, name in ipairs(names) do
      if name ~= user and score_of(marks, '!' .. name) then abusive = abusive + 1 end
      if name ~= user and score_of(marks, '~' .. name) then limited = limited + 1 end
    end
  end
  local hub, none = score_of(marks, '=h'), score_of(marks, '=n')
  local looked = tostring(hub and hub - 5e12 or none and 5e12 - none or 0)
  return {row, binds, day, week, latest, near_cap, table.concat(names, ' '), how, abusive, limited, looked}
end

-- Take away what is older than retention. The account that used the entity first is kept as long as it goes on
-- using it; what an account is or proved is kept as long as the account.
local function prune(thing, since)
  for _, region in ipairs({0, 1e12, 2e12, 3e12, 4e12}) do
    remove_between(thing, region > 0 and region - 1e11 or '-inf', '(' .. string.format('%.17g', region + since))
  end
  for _, name in ipairs(names_between(thing, 79e11, '(' .. string.format('%.17g', 8e12 + since), 100)) do
    if score_of(thing, string.sub(name, 2)) then
      add_member(thing, 'XX', 8e12 + since, name)
    else
      remove_members(thing, name)
    end
  end
  for _, name in ipairs(names_between(thing, 59e11, '(79e11', ALL)) do
    if not score_of(thing, string.sub(name, 2)) then remove_members(thing, name) end
  end
end

local function newest_of(i, thing)
  if thing.packed then return list_of({unpack(thing.list)}, true) end
  return newest_of_set(i)
end

-- Let it have its whole time to live again: at once, or when it is written.
local function renew(thing)
  thing.renewed = true
  if thing.packed then thing.changed = true else call('EXPIRE', thing.key, retention) end
end

-- Whether its time to live is a day old; that of a packed one is renewed whenever it is written.
local function is_to_renew(thing)
  return thing.packed and thing.changed or call('TTL', thing.key) < retention - 86400
end

-- How many touched it before the toucher; `accounts` where that is unknown.
local function came_before(list, thing, accounts)
  for j = 1, list.size do
    if list.told[2 * j - 1] == user then
      if list.whole then return list.size - j end
      if list.top < 5e11 then return accounts - j end
    end
  end
  return not thing.packed and call('ZRANK', thing.key, user) or accounts
end

-- Add the account. Returns how many members are new, and whether the newest before tell of all that changed.
local function touched(thing)
  local added = add_member(thing, stands, at_text, user)
  local whole = stands == 'NX'
  thing.renewed = thing.packed
  if stands == 'GT' then added = added + add_member(thing, 'NX', 8e12 + at, '#' .. user) end
  if established and not bad then
    added, whole = added + add_member(thing, nil, 7e12 + tonumber(established), '&' .. user), false
  elseif established then
    remove_members(thing, '&' .. user)
    whole = false
  end
  return added, whole
end

local function look(i, thing)
  local crowd, list, added, apart = crowds[i], lists[i], 0, 0
  if touch then
    local whole
    added, whole = touched(thing)
    -- A label that came before this is felt here; one that comes after it finds the account here.
    if crowd == -3 and bad then
      added, whole = added + add_member(thing, nil, 2e12 + at, '!' .. user), false
    end
    if not whole then list = nil end
  end
  if thing.packed or not list then list = newest_of(i, thing) else apart = added end
  local alone, nobodys = list.size + apart == added, false
  if alone and added > 0 then renew(thing) end
  if list.top > 89e11 and not alone then
    if score_of(thing, '*' .. user) then
      if added > 0 then remove_members(thing, user, '#' .. user, '&' .. user) end
      return 1
    end
    nobodys = score_of(thing, '*')
  end
  if touch and is_proved(i) then add_member(thing, 'NX', 6e12 + at, '%' .. user) end
  if nobodys then return 1 end
  if alone then return added > 0 and 1 or 0 end
  if touch and is_due(list) and is_to_renew(thing) then
    renew(thing)
    prune(thing, oldest)
    list, apart = newest_of(i, thing), 0
  end
  local marked, accounts, since = list.top >= 5e11, accounts_of(list, thing.key, apart)
  local abusive, limited, marks = 0, 0, thing
  if marked then
    if stands == 'GT' and touch then -- standing is as young as the touch it belongs to
      raise_member(thing, 1e12 + at, '~' .. user)
      raise_member(thing, 2e12 + at, '!' .. user)
    end
    local is_new = added == 1 and stands == 'NX'
    marks = marks_of(i, thing, list)
    if list.top > 19e11 then abusive = others_marked(marks, '!', 2e12, since, is_new) end
    limited = others_marked(marks, '~', 1e12, since, is_new)
  end
  if crowd == -3 and marked and count_between(marks, 69e11, 7e12 + at) > 0 then abusive, limited = 0, 0 end
  local counted = crowd == -1 or crowd == -3
  -- Whoever came before it; of holders the script below says nothing: nobody did.
  local earlier = accounts > 1 and not counted and came_before(list, thing, accounts) or 0
  local row = row_of(i, list, accounts, since, abusive, limited, apart, earlier)
  -- Where it has marks, a proof of just now is one more.
  if not counted and (list.top >= 29e11 or (marked and touch and is_proved(i))) then
    row = with_marks(row, thing, marks, since, sort_of(i) == 'o' or is_proved(i))
  end
  return row
end

local found, were = {}, {}
for n, i in ipairs(rest) do found[n], were[n] = KEYS[i], replies[i] end
local things = open_entities(found, were)
for n, i in ipairs(rest) do
  if not things[n].packed and not lists[i] then begin_packed(things[n]) end
  replies[i] = look(i, things[n])
end
write_entities(things, retention, args)
return replies
