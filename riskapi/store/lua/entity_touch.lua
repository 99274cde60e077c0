-- Touch entities for one account and count who else shares them. One atomic step for each key given.
--
-- An entity is one sorted set. Members and scores:
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
-- KEYS    the entities: all of them on one node, one a call on a cluster; then, where ARGV[1] has `account`, the account's hash:
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
-- TTL     retention, renewed by the first touch of a day (UTC); what is older than retention goes then, too
local ask = cjson.decode(ARGV[1])
local user, at, touch, retention = ask.user_id, tonumber(ask.at), ask.adds ~= 'look', ask.retention
local keep, near, past, long = ask.keep, ask.near, ask.past, ask.long
local stands = ask.adds == 'latest' and 'GT' or 'NX'
local call = redis.call
local last = at + 300 -- clocks of callers differ by up to the five minutes the contract allows
-- What is read of every entity at once, newest and marks first: who touched it, and the eight before.
local NEWEST = 9
local month_ago, day_ago, hour_ago = at - 2592000, at - 86400, at - 3600
local MOST_HOLDERS = 64

-- How many accounts other than the toucher have a mark of one sort between two times.
local function others_marked(key, sign, region, from)
  local count = call('ZCOUNT', key, region + from, region + last)
  if count == 0 then return 0 end
  local own = tonumber(call('ZSCORE', key, sign .. user) or nil)
  return own and own >= region + from and own <= region + last and count - 1 or count
end

-- Who holds the entity: who proved it; else the oldest account, if it was an established customer when the next came ('first',
-- and named first), and established customers who have used it for long.
local function holders(key)
  local proofs = call('ZRANGEBYSCORE', key, 59e11, '(69e11', 'LIMIT', 0, MOST_HOLDERS)
  for i, name in ipairs(proofs) do proofs[i] = string.sub(name, 2) end
  if #proofs > 0 then return proofs, 'proof' end
  if call('ZCOUNT', key, 69e11, 7e12 + at) == 0 then return {}, '' end
  local region, sign = 8e12, 1
  local early = call('ZRANGEBYSCORE', key, 79e11, '(89e11', 'WITHSCORES', 'LIMIT', 0, MOST_HOLDERS)
  if #early == 0 then
    region, sign = 0, 0
    early = call('ZRANGEBYSCORE', key, '-inf', '(5e11', 'WITHSCORES', 'LIMIT', 0, MOST_HOLDERS)
  end
  local found, how = {}, 'use'
  for i = 1, #early, 2 do
    local name, first = string.sub(early[i], 1 + sign), tonumber(early[i + 1]) - region
    if i > 1 and first > at - long then break end
    local since = tonumber(call('ZSCORE', key, '&' .. name) or nil)
    since = since and since - 7e12
    local before = i == 1 and since and (not early[4] or tonumber(early[4]) - region >= since)
    if since and since <= at and (before or first <= at - long) then found[#found + 1] = name end
    if before and since <= at then how = 'first' end
  end
  return found, #found > 0 and how or ''
end

-- The ten last parts of a row, or nothing where there are no such marks. Only asked where there are marks at all.
local function add_marks(row, key, since, holdable)
  row[10] = call('ZSCORE', key, '=') and 1 or 0
  row[11], row[12], row[13], row[14], row[15], row[16], row[17], row[18], row[19] = 0, 0, 0, 0, {}, '', 0, 0, 0
  if call('ZCOUNT', key, 29e11, '(49e11') > 0 then
    row[12] = others_marked(key, '$', 3e12, at - 604800)
    if row[12] > 0 then row[11] = others_marked(key, '$', 3e12, at - 86400) end
    local newest = call('ZREVRANGEBYSCORE', key, 3e12 + last, 3e12 + since, 'WITHSCORES', 'LIMIT', 0, 2)
    local time = newest[newest[1] == '$' .. user and 4 or 2]
    if time then row[13] = math.max(0, time - 3e12) end
    row[14] = others_marked(key, '^', 4e12, at - 604800)
  end
  if holdable and call('ZCOUNT', key, 59e11, '(79e11') > 0 then
    row[15], row[16] = holders(key)
    for _, name in ipairs(row[15]) do
      if name ~= user and call('ZSCORE', key, '!' .. name) then row[17] = row[17] + 1 end
      if name ~= user and call('ZSCORE', key, '~' .. name) then row[18] = row[18] + 1 end
    end
  end
  local hub, none = tonumber(call('ZSCORE', key, '=h') or nil), tonumber(call('ZSCORE', key, '=n') or nil)
  row[19] = tostring(hub and hub - 5e12 or none and 5e12 - none or 0)
end

-- Take away what is older than retention. The account that used the entity first is kept as long as it goes on
-- using it; what an account is or proved is kept as long as the account.
local function prune(key, since)
  for _, region in ipairs({0, 1e12, 2e12, 3e12, 4e12}) do
    call('ZREMRANGEBYSCORE', key, region > 0 and region - 1e11 or '-inf', '(' .. (region + since))
  end
  for _, name in ipairs(call('ZRANGEBYSCORE', key, 79e11, '(' .. (8e12 + since), 'LIMIT', 0, 100)) do
    if call('ZSCORE', key, string.sub(name, 2)) then
      call('ZADD', key, 'XX', 8e12 + since, name)
    else
      call('ZREM', key, name)
    end
  end
  for _, name in ipairs(call('ZRANGEBYSCORE', key, 59e11, '(79e11')) do
    if not call('ZSCORE', key, string.sub(name, 2)) then call('ZREM', key, name) end
  end
end

local count = #KEYS - (ask.account and 1 or 0)
local account = ask.account and call('HMGET', KEYS[#KEYS], 'things', 'established', 'label') or {}
local own, established, bad = account[1] or '', account[2], account[3] == 'abuse'
local replies = {}

-- The newest of an entity: {names, scores, size, top (the highest score, 0 for none), whole (whether that is all of it)}.
local function newest_of(key)
  local found = call('ZREVRANGE', key, 0, NEWEST - 1, 'WITHSCORES')
  local list = {names = {}, scores = {}, size = #found / 2, top = tonumber(found[2]) or 0}
  for j = 1, list.size do list.names[j], list.scores[j] = found[2 * j - 1], tonumber(found[2 * j]) end
  list.whole = list.size < NEWEST
  return list
end

-- Whether the newest tell of all that came from a time on.
local function tells(list, from) return list.whole or list.scores[list.size] < from end

-- How many accounts touched an entity after a time, those left out that come later than clocks differ.
local function came(list, key, from)
  if not tells(list, from) then return call('ZCOUNT', key, '(' .. from, last) end
  local found = 0
  for j = 1, list.size do
    if list.scores[j] > from and list.scores[j] <= last then found = found + 1 end
  end
  return found
end

-- The newest others since a time, at most so many: {user_id, at, …}.
local function others_of(list, key, from, most)
  local found = {}
  for j = 1, list.size do
    local time = list.scores[j]
    if time <= last and time >= from and list.names[j] ~= user and #found < 2 * most then
      found[#found + 1], found[#found + 2] = list.names[j], string.format('%.17g', time)
    end
  end
  if #found == 2 * most or tells(list, from) then return found end
  local newest = call('ZREVRANGEBYSCORE', key, last, from, 'WITHSCORES', 'LIMIT', 0, most + 1)
  found = {}
  for j = 1, #newest, 2 do
    if newest[j] ~= user and #found < 2 * most then found[#found + 1], found[#found + 2] = newest[j], newest[j + 1] end
  end
  return found
end

-- How many touched it before the toucher; `accounts` where that is unknown.
local function came_before(list, key, accounts)
  for j = 1, list.size do
    if list.names[j] == user and list.whole then return list.size - j end
    if list.names[j] == user and list.top < 5e11 then return accounts - j end
  end
  return call('ZRANK', key, user) or accounts
end

-- Whether it may be a day since the time to live was renewed: whoever touched it first on a day (of UTC) renews it.
local function is_due(list)
  local today = math.floor(at / 86400) * 86400
  for j = 1, list.size do
    local time = list.scores[j]
    if time < 5e11 and list.names[j] ~= user then return time < today end
  end
  return true
end

local function look(i, key)
  local crowd = ask.crowds[i]
  local added = touch and call('ZADD', key, stands, ask.at, user) or 0
  if stands == 'GT' and touch then added = added + call('ZADD', key, 'NX', 8e12 + at, '#' .. user) end
  if established and touch and not bad then
    added = added + call('ZADD', key, 7e12 + tonumber(established), '&' .. user)
  elseif established and touch then
    call('ZREM', key, '&' .. user)
  end
  -- A label that came before this is felt here; one that comes after it finds the account here.
  if crowd == -3 and bad and touch then added = added + call('ZADD', key, 2e12 + at, '!' .. user) end
  local list = newest_of(key)
  local alone, since, nobodys = list.size == added, at - retention, false
  if alone and added > 0 then call('EXPIRE', key, retention) end
  if list.top > 89e11 and not alone then
    if call('ZSCORE', key, '*' .. user) then
      if added > 0 then call('ZREM', key, user, '#' .. user, '&' .. user) end
      return {1, 1, 1, 1, 0, 0, {}, 0, 0}
    end
    nobodys = call('ZSCORE', key, '*')
  end
  if touch and ask.proved[i] == 1 then call('ZADD', key, 'NX', 6e12 + at, '%' .. user) end
  if nobodys then return {1, 1, 1, 1, 0, 0, {}, 0, 0} end
  if alone then
    local one = added > 0 and 1 or 0
    return {one, one, one, one, 0, 0, {}, 0, 0}
  end
  if touch and is_due(list) and call('TTL', key) < retention - 86400 then
    call('EXPIRE', key, retention)
    prune(key, since)
    list = newest_of(key)
  end
  local marked = list.top >= 5e11
  local accounts = list.whole and 0 or call('ZCOUNT', key, since, '(5e11')
  if list.whole then
    for j = 1, list.size do
      if list.scores[j] < 5e11 and list.scores[j] >= since then accounts = accounts + 1 end
    end
  end
  if accounts > keep then
    -- Count bad accounts over the same stretch of time as all accounts. The oldest stays: it may hold the entity.
    call('ZREMRANGEBYRANK', key, 1, accounts - keep)
    accounts = keep
    since = math.max(since, tonumber(call('ZRANGE', key, 1, 1, 'WITHSCORES')[2]))
  end
  local abusive, limited = 0, 0
  if marked then
    if stands == 'GT' and touch then -- standing is as young as the touch it belongs to
      call('ZADD', key, 'XX', 'GT', 1e12 + at, '~' .. user, 2e12 + at, '!' .. user)
    end
    abusive = others_marked(key, '!', 2e12, since)
    limited = others_marked(key, '~', 1e12, since)
  end
  if crowd == -3 and marked and call('ZCOUNT', key, '(69e11', 7e12 + at) > 0 then abusive, limited = 0, 0 end
  if crowd == -1 or crowd == -3 then return {accounts, 0, 0, 0, abusive, limited, {}, 0, 0} end
  local new = added > 0 and 1 or 0 -- who came just now counts in every window
  -- The middle window is asked first: where it has all accounts, so has the longer one; where it has none, the shorter.
  local day = came(list, key, day_ago)
  local month = day == accounts and retention >= 2592000 and day or came(list, key, month_ago)
  local hour = day > new and came(list, key, hour_ago) or day
  local others
  if crowd == -2 or (crowd > 0 and month > crowd) then
    others = others_of(list, key, math.max(since, at - near), 32)
  else
    others = others_of(list, key, since, 8)
    if #others == 16 and tonumber(others[16]) >= at - near then others = others_of(list, key, at - near, 32) end
  end
  local row = {accounts, hour, day, month, abusive, limited, others, 0, 0}
  if accounts > 1 and (accounts > day or past < 86400) then row[8] = call('ZCOUNT', key, since, '(' .. (at - past)) end
  -- Whoever came before it; of holders the script below says nothing: nobody did.
  if accounts > 1 then row[9] = came_before(list, key, accounts) end
  -- Where it has marks, a proof of just now is one more.
  if list.top >= 29e11 or (marked and touch and ask.proved[i] == 1) then add_marks(row, key, since, ask.proved[i] ~= 2) end
  return row
end

for i = 1, count do
  if own ~= '' and string.find(own, KEYS[i], 1, true) then
    replies[i] = {-1}
  else
    replies[i] = look(i, KEYS[i])
  end
end
return replies
