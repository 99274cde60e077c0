-- Touch entities for one account and count who else shares them. One atomic step for each key given.
--
-- An entity is one sorted set, packed in a string while it has few members (parts/entities.lua). Members and scores:
--   <user_id>    at          the account touched the entity at Unix time `at`
--   ~<user_id>   1e12 + at   … and that account is limited now
--   !<user_id>   2e12 + at   … and that account is labelled abusive now
--   $<user_id>   3e12 + t    … and that account ran out of a cap at Unix time `t`, the last time it did
--   ^<user_id>   4e12 + t    … and that account came near a cap at `t` (see entity_spend.lua)
--   =            5e12        the entity binds its accounts into a cluster now (see entity_bind.lua)
--   =h, =n       5e12 + t    … it was found to be a hub at `t`, or to be none (see riskapi/links/hubs.py)
--   %<user_id>   6e12 + t    … and that account proved at `t` that the entity is its own (see entity_prove.lua)
--   &<user_id>   7e12 + t    … and that account is an established customer since `t` (see entity_mark.lua)
--   #<user_id>   8e12 + t    … and that account used the entity first at `t`, where <user_id> has the latest time
--   *            9e12        a reviewer said that the entity binds nobody (see entity_cut.lua)
--   *<user_id>   9e12 + at   a reviewer cut this account from the entity; its own member is gone
-- A user_id never starts with one of these signs, and no time a caller can give reaches 3e11 (year 9999) or -1e11.
--
-- KEYS    the entities, those that many share first: all of them on one node, one a call on a cluster; then, where ARGV[1] has `account`, the account's hash:
--         its field `things` names the entities that are its own and make no claim, and `established` since when it is an
--         established customer, which nobody is whose `label` is abuse
-- ARGV    1 JSON: {"user_id", "at" (a text: the Unix time), "adds": 'look' only looks, 'first' adds the account and its first time
--         stands, 'latest' its latest stands; "retention" (seconds), "keep" (the most accounts a key keeps), "near" (seconds
--         that are close in time), "past" (seconds that are a past), "long" (seconds after which what an established customer
--         uses is its own), "account" (whether the last key is the account's), "crowds": for each entity the number of accounts
--         from which it is a crowd (0: never; -1: only counted for reputation; -2: counted, and who came last is told; -3: counted as a
--         site, where nobody is bad if an established customer uses it, and whose toucher is bad if its account is), "proved": for each 1 where the account proved that it is its own, 2 where nobody can hold it: a place, or what addresses and
--         numbers have in common}
-- returns for each entity {-1} for one of the account's own, else {accounts, 1h, 24h, 30d, abusive, limited,
--         {user_id, at, …}, past, earlier}: distinct accounts, the toucher included; abusive, limited and the list leave the toucher
--         out. The list has up to eight, newest first, and up to 32 of those that came close in time; of a crowd only the
--         latter. past: accounts that were there before `past`; earlier: those that came before this one. Where there are marks of the
--         last sorts, ten more:
--         binds (0 or 1), of the others those that ran out within 24 h and within 7 d, the Unix time of the last (0: none
--         within retention), those near a cap within 7 d, the holders, how they came to it ('proof', 'first', 'use' or ''), how
--         many other holders are abusive and limited, and when it was found to be a hub (negative: to be none; 0: never
--         looked at). For an entity that was cut, or the account was cut from, only the account itself is told
-- TTL     retention, renewed by the first touch of a day (UTC), of a packed one by each that changes it; what is older than
--         retention goes with the first touch of a day, too
--+ order
--+ entities
local ask = cjson.decode(ARGV[1])
local user, at, touch, retention = ask.user_id, tonumber(ask.at), ask.adds ~= 'look', ask.retention
local keep, near, past, long = ask.keep, ask.near, ask.past, ask.long
local stands = ask.adds == 'latest' and 'GT' or 'NX'
local call = redis.call
local last = at + 300 -- clocks of callers differ by up to the five minutes the contract allows
-- What is read at once of an entity that is a sorted set, newest and marks first: who touched it, and as many as are told of
-- those who came close in time. Of one that is only counted the newest nine say whether there is anything more to count.
local NEWEST, NEWEST_COUNTED = 33, 9
local month_ago, day_ago, hour_ago = at - 2592000, at - 86400, at - 3600
local MOST_HOLDERS, ALL = 64, 1000000

-- How many accounts other than the toucher have a mark of one sort between two times.
local function others_marked(thing, sign, region, from)
  local count = count_between(thing, region + from, region + last)
  if count == 0 then return 0 end
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

-- The ten last parts of a row, or nothing where there are no such marks. Only asked where there are marks at all.
local function add_marks(row, thing, since, holdable)
  row[10] = score_of(thing, '=') and 1 or 0
  row[11], row[12], row[13], row[14], row[15], row[16], row[17], row[18], row[19] = 0, 0, 0, 0, {}, '', 0, 0, 0
  if count_between(thing, 29e11, '(49e11') > 0 then
    row[12] = others_marked(thing, '$', 3e12, at - 604800)
    if row[12] > 0 then row[11] = others_marked(thing, '$', 3e12, at - 86400) end
    local newest = members_between(thing, 3e12 + since, 3e12 + last, 2, true)
    local time = newest[newest[1] == '$' .. user and 4 or 2]
    if time then row[13] = math.max(0, time - 3e12) end
    row[14] = others_marked(thing, '^', 4e12, at - 604800)
  end
  if holdable and count_between(thing, 59e11, '(79e11') > 0 then
    row[15], row[16] = holders(thing)
    for _, name in ipairs(row[15]) do
      if name ~= user and score_of(thing, '!' .. name) then row[17] = row[17] + 1 end
      if name ~= user and score_of(thing, '~' .. name) then row[18] = row[18] + 1 end
    end
  end
  local hub, none = score_of(thing, '=h'), score_of(thing, '=n')
  row[19] = tostring(hub and hub - 5e12 or none and 5e12 - none or 0)
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

local count = #KEYS - (ask.account and 1 or 0)
local account = ask.account and call('HMGET', KEYS[#KEYS], 'things', 'established', 'label') or {}
local own, established, bad = account[1] or '', account[2], account[3] == 'abuse'
local replies = {}

-- The newest of an entity: {told = {member, score, …}, size, top (the highest score, 0 for none), whole (whether that is all
-- of it)}. Scores are numbers or texts.
local function newest_of(thing, most)
  local told = thing.packed and {unpack(thing.list)} or call('ZREVRANGE', thing.key, 0, most - 1, 'WITHSCORES')
  local size = #told / 2
  return {told = told, size = size, top = tonumber(told[2]) or 0, whole = thing.packed or size < most}
end

-- How many of the newest have a score over a limit, or, `from` it on, the limit itself.
local function over(list, limit, from)
  local least, most, told = 0, list.top < limit and 0 or list.size, list.told
  while least < most do
    local middle = math.ceil((least + most) / 2)
    local score = tonumber(told[2 * middle])
    if score > limit or (from and score == limit) then least = middle else most = middle - 1 end
  end
  return least
end

-- Put the account in where it stands among the newest, if it does.
local function insert_user(list)
  local j = over(list, at) + 1
  while j <= list.size and tonumber(list.told[2 * j]) == at and is_before(user, list.told[2 * j - 1]) do j = j + 1 end
  if j > list.size and not list.whole then return end
  insert_two(list.told, 2 * j - 1, user, ask.at)
  list.size, list.top = list.size + 1, tonumber(list.told[2])
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

local function most_of(i) return (ask.crowds[i] == -1 or ask.crowds[i] == -3) and NEWEST_COUNTED or NEWEST end

-- Which of those that are no strings are not there yet: these begin as packed ones. The others are read, those that many share
-- first, until as many are found as there are. What an account usually writes of one that is new is packed once for all.
local things, lists = open_entities({unpack(KEYS, 1, count)}), {}
local function is_own(i) return own ~= '' and string.find(own, KEYS[i], 1, true) end
local asked = {}
for i = 1, count do
  if not things[i].packed and not is_own(i) then asked[#asked + 1] = i end
end
local there = 0
if #asked > 0 then
  local keys = {}
  for j, i in ipairs(asked) do keys[j] = KEYS[i] end
  there = call('EXISTS', unpack(keys))
end
local alone_text = ask.adds == 'first' and not established and cmsgpack.pack({user, at})
for _, i in ipairs(asked) do
  lists[i] = there > 0 and newest_of(things[i], most_of(i))
  if lists[i] and lists[i].size > 0 then
    there = there - 1
  elseif ask.proved[i] == 1 or (bad and ask.crowds[i] == -3) then
    begin_packed(things[i])
  else
    begin_packed(things[i], alone_text)
  end
end

-- Whether the newest tell of all that came from a time on.
local function tells(list, from) return list.whole or tonumber(list.told[2 * list.size]) < from end

-- How many accounts touched an entity after a time, those left out that come later than clocks differ.
local function came(list, thing, from)
  if not tells(list, from) then return count_between(thing, '(' .. from, last) end
  return over(list, from) - over(list, last)
end

-- The newest others since a time, at most so many: {user_id, at, …}.
local function others_of(list, thing, from, most)
  local told, found, size = list.told, {}, 0
  for j = 2 * over(list, last) + 1, 2 * list.size, 2 do
    local name, time = told[j], told[j + 1]
    if tonumber(time) < from or size == 2 * most then break end
    if name ~= user then
      found[size + 1], found[size + 2] = name, type(time) == 'number' and string.format('%.17g', time) or time
      size = size + 2
    end
  end
  if size == 2 * most or tells(list, from) then return found end
  local newest = members_between(thing, from, last, most + 1, true)
  found = {}
  for j = 1, #newest, 2 do
    if newest[j] ~= user and #found < 2 * most then found[#found + 1], found[#found + 2] = newest[j], newest[j + 1] end
  end
  return found
end

-- How many touched it before the toucher; `accounts` where that is unknown.
local function came_before(list, thing, accounts)
  for j = 1, list.size do
    if list.told[2 * j - 1] == user then
      if list.whole then return list.size - j end
      if list.top < 5e11 then return accounts - j end
    end
  end
  return not list.whole and call('ZRANK', thing.key, user) or accounts
end

-- Whether it may be a day since the time to live was renewed: whoever touched it first on a day (of UTC) renews it.
local function is_due(list)
  local today, j = math.floor(at / 86400) * 86400, over(list, 5e11, true) + 1
  if list.told[2 * j - 1] == user then j = j + 1 end
  return j > list.size or tonumber(list.told[2 * j]) < today
end

-- Add the account. Returns how many members are new, and whether `list`, the newest before, tells of all that changed.
local function touched(thing, list)
  local added = add_member(thing, stands, ask.at, user)
  local whole = stands == 'NX'
  thing.renewed = thing.packed
  if added == 1 and not thing.packed then insert_user(list) end
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
  local crowd, list, added = ask.crowds[i], lists[i], 0
  if touch then
    local whole
    added, whole = touched(thing, list)
    -- A label that came before this is felt here; one that comes after it finds the account here.
    if crowd == -3 and bad then
      added, whole = added + add_member(thing, nil, 2e12 + at, '!' .. user), false
    end
    if not whole then list = nil end
  end
  if thing.packed or not list then list = newest_of(thing, most_of(i)) end
  local alone, since, nobodys = list.size == added, at - retention, false
  if alone and added > 0 then renew(thing) end
  if list.top > 89e11 and not alone then
    if score_of(thing, '*' .. user) then
      if added > 0 then remove_members(thing, user, '#' .. user, '&' .. user) end
      return {1, 1, 1, 1, 0, 0, {}, 0, 0}
    end
    nobodys = score_of(thing, '*')
  end
  if touch and ask.proved[i] == 1 then add_member(thing, 'NX', 6e12 + at, '%' .. user) end
  if nobodys then return {1, 1, 1, 1, 0, 0, {}, 0, 0} end
  if alone then
    local one = added > 0 and 1 or 0
    return {one, one, one, one, 0, 0, {}, 0, 0}
  end
  if touch and is_due(list) and is_to_renew(thing) then
    renew(thing)
    prune(thing, since)
    list = newest_of(thing, most_of(i))
  end
  local marked = list.top >= 5e11
  local accounts = list.whole and over(list, since, true) - over(list, 5e11, true) or count_between(thing, since, '(5e11')
  if accounts > keep then
    -- Count bad accounts over the same stretch of time as all accounts. The oldest stays: it may hold the entity.
    call('ZREMRANGEBYRANK', thing.key, 1, accounts - keep)
    accounts = keep
    since = math.max(since, tonumber(call('ZRANGE', thing.key, 1, 1, 'WITHSCORES')[2]))
  end
  local abusive, limited = 0, 0
  if marked then
    if stands == 'GT' and touch then -- standing is as young as the touch it belongs to
      raise_member(thing, 1e12 + at, '~' .. user)
      raise_member(thing, 2e12 + at, '!' .. user)
    end
    abusive = others_marked(thing, '!', 2e12, since)
    limited = others_marked(thing, '~', 1e12, since)
  end
  if crowd == -3 and marked and count_between(thing, 69e11, 7e12 + at) > 0 then abusive, limited = 0, 0 end
  if crowd == -1 or crowd == -3 then return {accounts, 0, 0, 0, abusive, limited, {}, 0, 0} end
  local new = added > 0 and 1 or 0 -- who came just now counts in every window
  -- The middle window is asked first: where it has all accounts, so has the longer one; where it has none, the shorter.
  local day = came(list, thing, day_ago)
  local month = day == accounts and retention >= 2592000 and day or came(list, thing, month_ago)
  local hour = day > new and came(list, thing, hour_ago) or day
  local others
  if crowd == -2 or (crowd > 0 and month > crowd) then
    others = others_of(list, thing, math.max(since, at - near), 32)
  else
    others = others_of(list, thing, since, 8)
    if #others == 16 and tonumber(others[16]) >= at - near then others = others_of(list, thing, at - near, 32) end
  end
  local row = {accounts, hour, day, month, abusive, limited, others, 0, 0}
  if accounts > 1 and (accounts > day or past < 86400) then row[8] = count_between(thing, since, '(' .. (at - past)) end
  -- Whoever came before it; of holders the script below says nothing: nobody did.
  if accounts > 1 then row[9] = came_before(list, thing, accounts) end
  -- Where it has marks, a proof of just now is one more.
  if list.top >= 29e11 or (marked and touch and ask.proved[i] == 1) then add_marks(row, thing, since, ask.proved[i] ~= 2) end
  return row
end

for i = 1, count do
  replies[i] = is_own(i) and {-1} or things[i].text and {1, 1, 1, 1, 0, 0, {}, 0, 0} or look(i, things[i])
end
write_entities(things, retention)
return replies
