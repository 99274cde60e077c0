-- Read entries of streams for a consumer group: those that others left unfinished, where they are asked for, then new ones.
-- What was tried too often goes to the dead letters instead; what is of types that nobody asks for is finished unread.
--
-- KEYS    three for each stream: the stream, the dead letters of the shard, what went wrong with entries, by group and id
-- ARGV    1 group   2 consumer   3 how many at most of a stream   4 types of entries to be told, between commas, '' for all
--         5 milliseconds after which an entry counts as left unfinished, '' where only new ones are read; it doubles with every
--         try, up to ARGV[6]   6 milliseconds   7 tries, after which an entry is dead
--         8 the same as 5, for an entry that is known to have failed
-- returns for each stream {{{id, type, data, tries}, …}, new entries looked at, id of the last ('' for none), 1 where there may be
--         more, else 0, number of entries that are dead now}
-- TTL     none: the stream is trimmed by age; dead letters stay until they are replayed, or dropped by retention
local call = redis.call
local group, consumer, most, types = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local wanted, found = {}, {}
for type in string.gmatch(types, '[^,]+') do wanted[type] = true end

-- An entry of a stream as it is told: id, type, data, and the number of the try.
local function entry(id, fields, tries)
  local told = {id, '', '', tries}
  for at = 1, #fields, 2 do
    if fields[at] == 'type' then told[2] = fields[at + 1] end
    if fields[at] == 'data' then told[3] = fields[at + 1] end
  end
  return told
end

local function is_wanted(each) return types == '' or wanted[each[2]] end

-- What others left unfinished of a stream, in the consumer's hands from now on, and how many entries are dead now.
local function unfinished(key, letters, errors)
  local told, dead, idle, failed = {}, 0, tonumber(ARGV[5]), tonumber(ARGV[8])
  local function finish(id)
    call('XACK', key, group, id)
    call('HDEL', errors, group .. ':' .. id)
  end
  for _, row in ipairs(call('XPENDING', key, group, 'IDLE', math.min(idle, failed), '-', '+', 4 * most)) do
    local id, tries = row[1], row[4]
    local name = group .. ':' .. id
    local pause = call('HEXISTS', errors, name) == 1 and failed or idle
    if #told < most and row[3] >= math.min(pause * 2 ^ (tries - 1), ARGV[6]) then
      local there = call('XRANGE', key, id, id)[1]
      local each = there and entry(id, there[2], tries + 1)
      if not each or not is_wanted(each) then
        finish(id) -- trimmed, by retention, or nobody's business
      elseif tries >= tonumber(ARGV[7]) then
        call('XADD', letters, '*', 'group', group, 'stream', key, 'id', id, 'type', each[2], 'data', each[3],
          'tries', tries, 'error', call('HGET', errors, name) or 'unfinished')
        finish(id)
        dead = dead + 1
      else
        call('XCLAIM', key, group, consumer, 0, id)
        told[#told + 1] = each
      end
    end
  end
  return told, dead
end

-- Read what is new of streams, of each `count` entries at once until there are as many that are wanted. Others are finished as
-- they are read: NOACK puts them in nobody's hands, and XCLAIM the wanted ones in the consumer's. Some 250 entries of a stream
-- are looked at, which is 0.3 ms of the store.
local function read_new(keys, count)
  while #keys > 0 do
    local ask = {'XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS'}
    if types ~= '' then table.insert(ask, 7, 'NOACK') end
    for _, key in ipairs(keys) do ask[#ask + 1] = key end
    for _ = 1, #keys do ask[#ask + 1] = '>' end
    keys = {}
    for _, read in ipairs(call(unpack(ask)) or {}) do
      local key, rows, claim = read[1], read[2], {}
      local told, looked = found[key][1], found[key][2] + #rows
      for _, row in ipairs(rows) do
        local each = entry(row[1], row[2], 1)
        if is_wanted(each) then
          told[#told + 1] = each
          claim[#claim + 1] = each[1]
        end
      end
      if types ~= '' and #claim > 0 then
        for _, word in ipairs({'RETRYCOUNT', 1, 'FORCE', 'JUSTID'}) do claim[#claim + 1] = word end
        call('XCLAIM', key, group, consumer, 0, unpack(claim))
      end
      local is_full = #told >= most or looked >= 250
      found[key] = {told, looked, rows[#rows][1], #rows == count and is_full and 1 or 0, found[key][5]}
      if #rows == count and not is_full then keys[#keys + 1] = key end
    end
  end
end

local fresh, result = {}, {}
for at = 1, #KEYS, 3 do
  local key = KEYS[at]
  found[key] = {{}, 0, '', 0, 0}
  if ARGV[5] == '' then
    fresh[#fresh + 1] = key
  else
    local told, dead = unfinished(key, KEYS[at + 1], KEYS[at + 2])
    found[key] = {told, 0, '', #told == most and 1 or 0, dead}
    if #told < most then read_new({key}, most - #told) end
  end
end
read_new(fresh, most)
for at = 1, #KEYS, 3 do result[#result + 1] = found[KEYS[at]] end
return result
