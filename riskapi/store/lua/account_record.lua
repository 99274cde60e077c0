-- Record the first decision about an account, its review and the event about both, once.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 review hash   5 index of open reviews
-- ARGV    1 TTL of the account, seconds   2 history entry   3 decision: the event, and a field of the account   4 oldest stream id kept
--         5 review_id or ''   6 its place in the index   7 number of account fields that follow, then the account's fields
--         and values, then the review's
-- returns {1} when recorded, else {0, mail key, first assessment, entities} of the account that is there already
-- TTL     account, history and review: ARGV[1]; stream: trimmed by age; index: entries leave it with their review
local known = redis.call('HMGET', KEYS[1], 'mail', 'assessment', 'entities')
if known[1] then return {0, known[1], known[2], known[3]} end
local count = tonumber(ARGV[7])
redis.call('HSET', KEYS[1], 'decision', ARGV[3], unpack(ARGV, 8, 7 + count))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[4], '*', 'type', 'decision', 'data', ARGV[3])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[4], unpack(ARGV, 8 + count))
  redis.call('EXPIRE', KEYS[4], ARGV[1])
  redis.call('ZADD', KEYS[5], 0, ARGV[6])
end
return {1}
