-- Tell once that an entry has expired, and forget it some time after that.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 its hits   6 stream of events
-- ARGV    1 field of the table   2 letter of the list   3 id of the entry   4 its place in the index   5 now
--         6 seconds it is still shown after it expired   7 event   8 oldest stream id kept
-- returns 1 it has expired and that was told, 0 there was nothing to tell
-- TTL     none: what expired is deleted here; stream: trimmed by age
--+ listed
local details, now = redis.call('HMGET', KEYS[2], 'expires_at', 'told', 'removed'), tonumber(ARGV[5])
if not details[1] or details[3] then return 0 end
if details[2] then
  if tonumber(details[2]) + tonumber(ARGV[6]) > now then return 0 end
  redis.call('DEL', KEYS[2], KEYS[5])
  redis.call('ZREM', KEYS[3], ARGV[4])
  redis.call('ZREM', KEYS[4], ARGV[3])
  return 0
end
if details[1] == '' or tonumber(details[1]) > now then return 0 end
take(ARGV[1], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[2], 'told', ARGV[5])
redis.call('ZADD', KEYS[4], now + tonumber(ARGV[6]), ARGV[3])
redis.call('XADD', KEYS[6], 'MINID', '~', ARGV[8], '*', 'type', 'list', 'data', ARGV[7])
return 1
