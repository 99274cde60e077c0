-- Begin a session of a user.
--
-- KEYS    1 session (hash: user, epoch, begun, seen, how, agent, address)   2 sessions of the user (sorted set, by begin)
-- ARGV    1 user   2 epoch of the user   3 now, seconds   4 seconds it may last   5 how the user signed in
--         6 browser   7 address   8 name of the session in the set
-- returns 1
-- TTL     ARGV[4] for both; sessions that are over leave the set when the next begins
-- Executed twice it writes the same.
local life = tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'user', ARGV[1], 'epoch', ARGV[2], 'begun', ARGV[3], 'seen', ARGV[3],
  'how', ARGV[5], 'agent', ARGV[6], 'address', ARGV[7])
redis.call('EXPIRE', KEYS[1], life)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', tonumber(ARGV[3]) - life)
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[8])
redis.call('EXPIRE', KEYS[2], life)
return 1
