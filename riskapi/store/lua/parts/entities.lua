-- Entities in either form in which they are kept: up to FEW members as one packed string, more as a sorted set. Members and
-- scores are told in entity_touch.lua; what is said here of a sorted set is said of both. Needs parts/order.lua and
-- parts/packed.lua.
--
-- One that is packed is read and changed in memory; `write_entities` writes it, and what grew over FEW as a sorted set. One
-- that is a sorted set is read and changed there at once, and stays one.

-- The entities of these keys. One that is not there is taken for a sorted set, which none is different from. `texts` are those
-- of the keys, where they were read already.
--   {key, packed, were = whether it was there as a string, list = the members of a packed one, changed, renewed = it has its
--   whole time to live again when it is written}
local function open_entities(keys, texts)
  local found, known = {}, {}
  texts = texts or (#keys > 0 and redis.call('MGET', unpack(keys)) or {})
  for at, key in ipairs(keys) do
    local text = texts[at]
    local thing = known[key] or {key = key, packed = text and true, were = text and true, list = text and unpacked(text)}
    found[at], known[key] = thing, thing
  end
  return found
end

-- Let one that is not there yet be packed.
local function begin_packed(thing)
  thing.packed, thing.list = true, {}
end

-- Where a member is in the list of a packed one.
local function place_of(thing, member)
  local list = thing.list
  for at = 1, #list, 2 do
    if list[at] == member then return at end
  end
end

-- Whether there is anything in it.
local function is_there(thing)
  if thing.packed then return #thing.list > 0 end
  return redis.call('EXISTS', thing.key) == 1
end

-- The score of a member, nil for anybody else.
local function score_of(thing, member)
  if not thing.packed then return tonumber(redis.call('ZSCORE', thing.key, member) or nil) end
  local at = place_of(thing, member)
  return at and thing.list[at + 1]
end

local function take_out(thing, at)
  table.remove(thing.list, at)
  table.remove(thing.list, at)
  thing.changed = true
end

local function put_in(thing, score, member)
  local list, at = thing.list, 1
  while list[at] and (list[at + 1] > score or (list[at + 1] == score and is_before(member, list[at]))) do at = at + 2 end
  insert_two(list, at, member, score)
  thing.changed = true
end

-- Give a member a score: 'NX' only where it has none, 'XX' only where it has one, 'GT' only a higher one where it has one, nil
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
  if at and how ~= 'NX' and score ~= thing.list[at + 1] and (how ~= 'GT' or score > thing.list[at + 1]) then
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
  if at and score > thing.list[at + 1] then add_member(thing, nil, score, member) end
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

-- Where in the list of a packed one the members between two limits begin, and where the last of them is.
local function places_between(thing, low, high)
  local from, without_low = limit_of(low)
  local till, without_high = limit_of(high)
  local list = thing.list
  local first, last = 1, #list - 1
  while first <= last and (list[first + 1] > till or (without_high and list[first + 1] == till)) do first = first + 2 end
  while last >= first and (list[last + 1] < from or (without_low and list[last + 1] == from)) do last = last - 2 end
  return first, last
end

-- How many members have a score between two limits.
local function count_between(thing, low, high)
  if not thing.packed then return redis.call('ZCOUNT', thing.key, low, high) end
  local first, last = places_between(thing, low, high)
  return (last - first) / 2 + 1
end

-- The members between two limits with their scores, {member, score, …}: the lowest first, or with `newest` the highest; at
-- most so many.
local function members_between(thing, low, high, most, newest)
  if not thing.packed and newest then
    return redis.call('ZREVRANGEBYSCORE', thing.key, high, low, 'WITHSCORES', 'LIMIT', 0, most)
  elseif not thing.packed then
    return redis.call('ZRANGEBYSCORE', thing.key, low, high, 'WITHSCORES', 'LIMIT', 0, most)
  end
  local found, list, first, last = {}, thing.list, places_between(thing, low, high)
  local at, step = newest and first or last, newest and 2 or -2
  while at >= first and at <= last and #found < 2 * most do
    found[#found + 1], found[#found + 2] = list[at], string.format('%.17g', list[at + 1])
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
  for _ = first, last, 2 do take_out(thing, first) end
end

-- Write one that is packed and has more than FEW members as a sorted set, for `ttl` seconds or as long as it had.
local function write_as_set(thing, ttl)
  local left = not ttl and thing.were and redis.call('PTTL', thing.key) or -1
  local args, list = {}, thing.list
  for at = 1, #list, 2 do args[at], args[at + 1] = string.format('%.17g', list[at + 1]), list[at] end
  redis.call('DEL', thing.key)
  redis.call('ZADD', thing.key, unpack(args))
  if ttl then redis.call('EXPIRE', thing.key, ttl) elseif left > 0 then redis.call('PEXPIRE', thing.key, left) end
end

-- Write all that was changed of packed ones. The time to live is left as it is, except for those `renewed`, and those that were
-- not there: these have `ttl` seconds. `args` are others to be written with them, as `write_texts` takes them.
local function write_entities(things, ttl, args)
  args = args or {}
  for _, thing in ipairs(things) do
    local whole, size = thing.renewed or not thing.were, thing.changed and #thing.list / 2
    if size and size > FEW then
      write_as_set(thing, whole and ttl)
    elseif size == 0 then
      if thing.were then redis.call('DEL', thing.key) end
    elseif size then
      local text = cmsgpack.pack(thing.list)
      if whole then
        args[#args + 1], args[#args + 2] = thing.key, text
      else
        redis.call('SET', thing.key, text, 'KEEPTTL')
      end
    end
  end
  write_texts(args, ttl)
end
