-- Read entries of a stream for a consumer group: those that others left unfinished, then new ones. What was tried too
-- often goes to the dead letters instead.
--
-- KEYS    1 stream   2 dead letters of the shard   3 what went wrong with entries, by group and id
-- ARGV    1 group   2 consumer   3 how many at most   4 milliseconds after which an entry counts as left unfinished;
--         it doubles with every try, up to ARGV[5]   5 milliseconds   6 tries, after which an entry is dead
--         7 the same as 4, for an entry that is known to have failed
--         8 types of new entries to be told, between commas, '' for all
-- returns {{{id, type, data, tries}, …}, new entries looked at, id of the last, 1 where there may be more, else 0, number of
--         entries that are dead now}
-- TTL     none: the stream is trimmed by age; dead letters stay until they are replayed, or dropped by retention
--+ new_entries
local call = redis.call
local found, dead, most = {}, 0, tonumber(ARGV[3])
for _, row in ipairs(call('XPENDING', KEYS[1], ARGV[1], 'IDLE', math.min(ARGV[4], ARGV[7]), '-', '+', 4 * most)) do
  local id, idle, tries = row[1], row[3], row[4]
  local name = ARGV[1] .. ':' .. id
  local pause = call('HEXISTS', KEYS[3], name) == 1 and ARGV[7] or ARGV[4]
  if #found < most and idle >= math.min(pause * 2 ^ (tries - 1), ARGV[5]) then
    local there = call('XRANGE', KEYS[1], id, id)[1]
    if not there then
      call('XACK', KEYS[1], ARGV[1], id) -- trimmed, by retention
      call('HDEL', KEYS[3], name)
    elseif tries >= tonumber(ARGV[6]) then
      local lost = entry(id, there[2], tries)
      call('XADD', KEYS[2], '*', 'group', ARGV[1], 'stream', KEYS[1], 'id', id, 'type', lost[2], 'data', lost[3],
        'tries', tries, 'error', call('HGET', KEYS[3], name) or 'unfinished')
      call('XACK', KEYS[1], ARGV[1], id)
      call('HDEL', KEYS[3], name)
      dead = dead + 1
    else
      call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id)
      found[#found + 1] = entry(id, there[2], tries + 1)
    end
  end
end
if #found == most then return {found, 0, '', 1, dead} end
local new, looked, last, more = unpack(new_entries({KEYS[1]}, ARGV[1], ARGV[2], most - #found, ARGV[8])[KEYS[1]])
for _, each in ipairs(new) do found[#found + 1] = each end
return {found, looked, last, more, dead}
