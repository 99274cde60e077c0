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
--         close in time, those that are a past, and those after which what an established customer uses is its own;
--         then a number of four bytes for each entity, of how many accounts on it is a crowd (0: never; -1: only counted for reputation;
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
-- Two ways through it: first what a new account usually touches (parts/usual_touches.lua), which needs little; then all the rest,
-- with the functions that need making at each call only there.
--+ packed
local call = redis.call
local user, at_text, adds, sorts = unpack(ARGV)
local at, retention, keep, near, past_from, long = struct.unpack('<dddddd', ARGV[5])
local count, touch = #sorts, adds ~= 'look'
local crowds = {struct.unpack('<' .. string.rep('i', count), ARGV[5], 49)}
local last = at + 300 -- clocks of callers differ by up to the five minutes the contract allows
local oldest, today, after = at - retention, math.floor(at / 86400) * 86400, {}

local proofs = string.find(sorts, 'p', 1, true)
local function sort_of(i) return string.sub(sorts, i, i) end
local function is_proved(i) return proofs and sort_of(i) == 'p' end

--+ newest

--+ entity_rows

local own, established, bad = '', false, false
if #KEYS > count then
  local account = call('HMGET', KEYS[#KEYS], 'things', 'established', 'label')
  own, established, bad = account[1] or '', account[2], account[3] == 'abuse'
end
local args, rest, lists, quick = {}, {}, {}, adds == 'first' and #KEYS == count
-- What is told of each; until then the text of one that is packed.
local replies = call('MGET', unpack(KEYS, 1, count))

--+ usual_touches

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
  local usual = quick and not is_proved(i)
  if own ~= '' and string.find(own, KEYS[i], 1, true) then
    row = -1
  elseif replies[i] then
    row = usual and told_of_packed(i)
  else
    if there > 0 then
      list = newest_of_set(i)
      if list.size > 0 then there = there - 1 else list = nil end
    end
    if list then
      row = usual and (told_of_set(i, list) or told_of_counted(i, list))
    elseif usual then
      args[#args + 1], args[#args + 2], row = KEYS[i], alone_text, 1
    end
  end
  if row then replies[i] = row else rest[#rest + 1], lists[i] = i, list end
end
if #rest == 0 then
  write_texts(args, retention)
  return replies
end

--+ order
--+ entities
local stands = adds == 'latest' and 'GT' or 'NX'
local MOST_HOLDERS, ALL = 64, 1000000

--+ marks

local function newest_of(i, thing)
  if thing.packed then return list_of({unpack(thing.list)}, true) end
  return newest_of_set(i)
end

-- Whether it may be a day since the time to live was renewed: whoever touched it first on a day (of UTC) renews it.
local function is_due(list)
  local j = over(list, 5e11, true) + 1
  if list.told[2 * j - 1] == user then j = j + 1 end
  return j > list.size or score_at(list, j) < today
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
