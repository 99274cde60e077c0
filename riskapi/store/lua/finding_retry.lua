-- Put a subject off, if it is still ours.
--
-- KEYS    1 queue of the shard   2 subjects of the queue
-- ARGV    1 the subject as the queue calls it   2 token   3 when it is due   4 what it is, JSON
-- returns 1, or 0 when it is no longer ours
-- TTL     none: subjects leave the queue when they are looked up or given up
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
return 1
