-- Take an entry off its list. What it was and whom it hit stays for a while, for those who have to follow it up.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 its hits   6 stream of events
-- ARGV    1 field of the table   2 letter of the list   3 id of the entry   4 its place in the index   5 token of this attempt
--         6 seconds details and hits are kept   7 event   8 oldest stream id kept
-- returns 1 removed, 0 there is no such entry, or no more
-- TTL     details and hits: ARGV[6]; stream: trimmed by age
--+ listed
local details = redis.call('HMGET', KEYS[2], 'list', 'removed')
if not details[1] then return 0 end
if details[2] then return details[2] == ARGV[5] and 1 or 0 end
take(ARGV[1], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[2], 'removed', ARGV[5])
redis.call('ZREM', KEYS[3], ARGV[4])
redis.call('ZREM', KEYS[4], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[6])
redis.call('EXPIRE', KEYS[5], ARGV[6])
redis.call('XADD', KEYS[6], 'MINID', '~', ARGV[8], '*', 'type', 'list', 'data', ARGV[7])
return 1
