-- Put an entry on a list, or write the one anew that has this value there already. A person's word goes before that of decisions
-- that keep it there, see list_deny.lua.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 stream of events
-- ARGV    1 field of the table   2 letter of the list   3 id of the entry   4 id the caller found in the table for this value, '' for none
--         5 what stands for the entry in the table   6 token of this attempt   7 its place in the index   8 Unix time it expires, or ''
--         9 event   10 oldest stream id kept   11 time now, which only a new entry keeps, then fields and values of the details
-- returns 1 put, 0 another entry stands there than the caller found: look again
-- TTL     none: an entry stands until it is removed or has expired; stream: trimmed by age
--+ listed
--+ causes
local kept, held = others(ARGV[1], ARGV[2])
if held == ARGV[3] and redis.call('HGET', KEYS[2], 'token') == ARGV[6] then return 1 end
if held ~= ARGV[4] then return 0 end
kept[#kept + 1] = ARGV[5]
redis.call('HSET', KEYS[1], ARGV[1], table.concat(kept, ' '))
if held ~= '' then forget_causes(KEYS[2]) end
redis.call('HSET', KEYS[2], 'token', ARGV[6], unpack(ARGV, 12))
if held == '' then
  redis.call('HSET', KEYS[2], 'created_at', ARGV[11])
  redis.call('ZADD', KEYS[3], 0, ARGV[7])
end
if ARGV[8] ~= '' then redis.call('ZADD', KEYS[4], ARGV[8], ARGV[3]) else redis.call('ZREM', KEYS[4], ARGV[3]) end
redis.call('XADD', KEYS[5], 'MINID', '~', ARGV[10], '*', 'type', 'list', 'data', ARGV[9])
return 1
