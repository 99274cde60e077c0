-- Open a review about an account that is there already, once.
--
-- KEYS    1 account hash   2 review hash   3 index of open reviews   4 decisions stream
-- ARGV    1 TTL of the account, seconds   2 its place in the index   3 event   4 oldest stream id kept, then fields and values
-- returns 1, or 0 for an unknown account and for a review that is there already
-- TTL     account and review: ARGV[1]; index: entries leave it with their review; stream: trimmed by age
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[3], 0, ARGV[2])
redis.call('XADD', KEYS[4], 'MINID', '~', ARGV[4], '*', 'type', 'review', 'data', ARGV[3])
return 1
