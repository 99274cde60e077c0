-- Record the first decision about an account, its review and the event about both, once.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 agenda of the shard   5 review hash   6 index of open reviews
-- ARGV    1 TTL of the account, seconds   2 history entry   3 decision: the event, and a field of the account   4 oldest stream id kept
--         5 event of the review or '' for none   6 its place in the index   7 user_id   8 when it is decided again, or ''
--         9 event of the tier, where another one was answered before it could be recorded, or ''
--         10 number of account fields that follow, then the account's fields and values, then the review's
-- returns {1} when recorded, else {0, mail key, first assessment, entities} of the account that is there already
-- TTL     account, history and review: ARGV[1]; stream: trimmed by age; index: entries leave it with their review; agenda: see
--         agenda_done.lua
local known = redis.call('HMGET', KEYS[1], 'mail', 'assessment', 'entities')
if known[1] then return {0, known[1], known[2], known[3]} end
local count = tonumber(ARGV[10])
redis.call('HSET', KEYS[1], 'decision', ARGV[3], unpack(ARGV, 11, 10 + count))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[4], '*', 'type', 'decision', 'data', ARGV[3])
if ARGV[9] ~= '' then redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[4], '*', 'type', 'tier', 'data', ARGV[9]) end
if ARGV[8] ~= '' then redis.call('ZADD', KEYS[4], 'NX', ARGV[8], ARGV[7]) end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[5], unpack(ARGV, 11 + count))
  redis.call('EXPIRE', KEYS[5], ARGV[1])
  redis.call('ZADD', KEYS[6], 0, ARGV[6])
  redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[4], '*', 'type', 'review', 'data', ARGV[5])
end
return {1}
