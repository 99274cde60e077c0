-- Entities in either form in which they are kept: up to FEW members as one packed string, more as a sorted set. Members and
-- scores are told in entity_touch.lua; what is said here of a sorted set is said of both. Needs parts/order.lua.
--
-- Packed: {score, member, score, member, …} in MessagePack, by rising score and then by the bytes of the member, as a sorted
-- set has them. It is read and changed in memory; `write_entities` writes it, and what grew over FEW as a sorted set. One that
-- is a sorted set is read and changed there at once, and stays one.
local FEW = 8

-- The entities of these keys. One that is not there is taken for a sorted set, which none is different from.
--   {key, packed, were = whether it was there as a string, names, scores, size, changed, renewed = it has its whole time to live
--   again when it is written}
local function open_entities(keys)
  local found, texts, known = {}, #keys > 0 and redis.call('MGET', unpack(keys)) or {}, {}
  for at, key in ipairs(keys) do
    local thing = known[key] or {key = key, packed = texts[at] and true or false, were = texts[at] and true or false}
    if texts[at] and not known[key] then
      -- What is damaged tells nothing, and stops nobody who shares it.
      local whole, list = pcall(cmsgpack.unpack, texts[at])
      list = whole and type(list) == 'table' and list or {}
      local names, scores, size = {}, {}, 0
      for place = 1, #list, 2 do
        size = size + 1
        scores[size], names[size] = list[place], list[place + 1]
      end
      thing.names, thing.scores, thing.size = names, scores, size
    end
    found[at], known[key] = thing, thing
  end
  return found
end

-- Let one that is not there yet be packed.
local function begin_packed(thing)
  thing.packed, thing.names, thing.scores, thing.size = true, {}, {}, 0
end

local function place_of(thing, member)
  for at = 1, thing.size do
    if thing.names[at] == member then return at end
  end
end

-- Whether there is anything in it.
local function is_there(thing)
  if thing.packed then return thing.size > 0 end
  return redis.call('EXISTS', thing.key) == 1
end

-- The score of a member, nil where it is none.
local function score_of(thing, member)
  if not thing.packed then return tonumber(redis.call('ZSCORE', thing.key, member) or nil) end
  local at = place_of(thing, member)
  return at and thing.scores[at]
end

local function take_out(thing, at)
  table.remove(thing.names, at)
  table.remove(thing.scores, at)
  thing.size, thing.changed = thing.size - 1, true
end

local function put_in(thing, score, member)
  local at = thing.size + 1
  while at > 1 and (thing.scores[at - 1] > score or (thing.scores[at - 1] == score and is_before(member, thing.names[at - 1]))) do
    at = at - 1
  end
  table.insert(thing.names, at, member)
  table.insert(thing.scores, at, score)
  thing.size, thing.changed = thing.size + 1, true
end

-- Give a member a score: 'NX' only where it is none, 'XX' only where it is one, 'GT' only a higher one where it has one, nil
-- in any case. Returns 1 where it is new, else 0.
local function add_member(thing, how, score, member)
  if not thing.packed then
    if not how then return redis.call('ZADD', thing.key, score, member) end
    return redis.call('ZADD', thing.key, how, score, member)
  end
  score = tonumber(score)
  local at = place_of(thing, member)
  if not at and how ~= 'XX' then
    put_in(thing, score, member)
    return 1
  end
  if at and how ~= 'NX' and score ~= thing.scores[at] and (how ~= 'GT' or score > thing.scores[at]) then
    take_out(thing, at)
    put_in(thing, score, member)
  end
  return 0
end

-- Give a member a higher score, where it is one.
local function raise_member(thing, score, member)
  if not thing.packed then
    redis.call('ZADD', thing.key, 'XX', 'GT', score, member)
    return
  end
  local at = place_of(thing, member)
  if at and score > thing.scores[at] then add_member(thing, nil, score, member) end
end

-- Take members out.
local function remove_members(thing, ...)
  if not thing.packed then
    redis.call('ZREM', thing.key, ...)
    return
  end
  for _, member in ipairs({...}) do
    local at = place_of(thing, member)
    if at then take_out(thing, at) end
  end
end

-- A limit of scores as commands on sorted sets have it: a number, or a text; '(' before it leaves the number itself out.
local function limit_of(limit)
  if limit == '-inf' then return -math.huge, false end
  if limit == '+inf' then return math.huge, false end
  local open = type(limit) == 'string' and string.sub(limit, 1, 1) == '('
  return tonumber(open and string.sub(limit, 2) or limit), open
end

-- The first and the last place of the members between two limits, of a packed one.
local function places_between(thing, low, high)
  local from, without_low = limit_of(low)
  local till, without_high = limit_of(high)
  local first, last = 1, thing.size
  while first <= last and (thing.scores[first] < from or (without_low and thing.scores[first] == from)) do first = first + 1 end
  while last >= first and (thing.scores[last] > till or (without_high and thing.scores[last] == till)) do last = last - 1 end
  return first, last
end

-- How many members have a score between two limits.
local function count_between(thing, low, high)
  if not thing.packed then return redis.call('ZCOUNT', thing.key, low, high) end
  local first, last = places_between(thing, low, high)
  return last - first + 1
end

-- The members between two limits with their scores, {member, score, …}: the lowest first, or with `newest` the highest; at
-- most so many.
local function members_between(thing, low, high, most, newest)
  if not thing.packed and newest then
    return redis.call('ZREVRANGEBYSCORE', thing.key, high, low, 'WITHSCORES', 'LIMIT', 0, most)
  elseif not thing.packed then
    return redis.call('ZRANGEBYSCORE', thing.key, low, high, 'WITHSCORES', 'LIMIT', 0, most)
  end
  local found, first, last = {}, places_between(thing, low, high)
  local at, step = newest and last or first, newest and -1 or 1
  while at >= first and at <= last and #found < 2 * most do
    found[#found + 1], found[#found + 2] = thing.names[at], string.format('%.17g', thing.scores[at])
    at = at + step
  end
  return found
end

-- As members_between, without the scores.
local function names_between(thing, low, high, most, newest)
  if not thing.packed and newest then return redis.call('ZREVRANGEBYSCORE', thing.key, high, low, 'LIMIT', 0, most) end
  if not thing.packed then return redis.call('ZRANGEBYSCORE', thing.key, low, high, 'LIMIT', 0, most) end
  local found, told = {}, members_between(thing, low, high, most, newest)
  for at = 1, #told, 2 do found[#found + 1] = told[at] end
  return found
end

-- Take out the members between two limits.
local function remove_between(thing, low, high)
  if not thing.packed then
    redis.call('ZREMRANGEBYSCORE', thing.key, low, high)
    return
  end
  local first, last = places_between(thing, low, high)
  for _ = first, last do take_out(thing, first) end
end

-- Write one that is packed and has more than FEW members as a sorted set, for `ttl` seconds or as long as it had.
local function write_as_set(thing, ttl)
  local left = not ttl and thing.were and redis.call('PTTL', thing.key) or -1
  local args = {}
  for at = 1, thing.size do args[2 * at - 1], args[2 * at] = string.format('%.17g', thing.scores[at]), thing.names[at] end
  redis.call('DEL', thing.key)
  redis.call('ZADD', thing.key, unpack(args))
  if ttl then redis.call('EXPIRE', thing.key, ttl) elseif left > 0 then redis.call('PEXPIRE', thing.key, left) end
end

-- Write all that was changed of packed ones. The time to live is left as it is, but for those `renewed`, and those that were
-- not there: these have `ttl` seconds.
local function write_entities(things, ttl)
  local count, args = 0, {}
  for _, thing in ipairs(things) do
    local whole = thing.renewed or not thing.were
    if thing.packed and thing.changed and thing.size > FEW then
      write_as_set(thing, whole and ttl)
    elseif thing.packed and thing.changed and thing.size == 0 then
      if thing.were then redis.call('DEL', thing.key) end
    elseif thing.packed and thing.changed then
      local list = {}
      for at = 1, thing.size do list[2 * at - 1], list[2 * at] = thing.scores[at], thing.names[at] end
      local text = cmsgpack.pack(list)
      if whole then
        count, args[#args + 1], args[#args + 2] = count + 1, thing.key, text
      else
        redis.call('SET', thing.key, text, 'KEEPTTL')
      end
    end
  end
  if count == 0 then return end
  -- Since Valkey 9.1 and Redis 8.4 (https://valkey.io/commands/msetex/) one command writes several with a time to live.
  local after = #args
  args[after + 1], args[after + 2] = 'EX', ttl
  local done = count > 1 and redis.pcall('MSETEX', count, unpack(args))
  if type(done) == 'number' then return end
  for at = 1, after, 2 do redis.call('SET', args[at], args[at + 1], 'EX', ttl) end
end
