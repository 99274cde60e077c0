-- Entities of up to FEW members, each packed as one string: {member, score, member, score, …} in MessagePack, by falling score and
-- then by the bytes of the member, as ZREVRANGE tells a sorted set.
local FEW = 8

-- The members of a packed entity. What is damaged tells nothing, and stops nobody who shares it.
local function unpacked(text)
  local whole, list = pcall(cmsgpack.unpack, text)
  return whole and type(list) == 'table' and #list % 2 == 0 and list or {}
end

-- Put two more into a list, before those that are at a place.
local function insert_two(list, at, one, other)
  for place = #list, at, -1 do list[place + 2] = list[place] end
  list[at], list[at + 1] = one, other
end

-- Write packed entities, {key, text, key, text, …}, for `ttl` seconds from now on.
local function write_texts(args, ttl)
  local size = #args
  if size == 0 then return end
  -- Since Valkey 9.1 and Redis 8.4 (https://valkey.io/commands/msetex/) one command writes several with a time to live.
  args[size + 1], args[size + 2] = 'EX', ttl
  local done = size > 2 and redis.pcall('MSETEX', size / 2, unpack(args))
  if type(done) == 'number' then return end
  for at = 1, size, 2 do redis.call('SET', args[at], args[at + 1], 'EX', ttl) end
end
