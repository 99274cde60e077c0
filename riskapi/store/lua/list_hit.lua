-- Count an account that an entry names, once.
--
-- KEYS    1 details of the entry   2 its hits
-- ARGV    1 user_id   2 Unix time   3 most accounts kept, the newest
-- returns how many accounts it named, 0 for an entry that is not there
-- TTL     hits live as long as the details
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 'GT', ARGV[2], ARGV[1])
local last = tonumber(redis.call('HGET', KEYS[1], 'last_hit') or 0)
if tonumber(ARGV[2]) > last then redis.call('HSET', KEYS[1], 'last_hit', ARGV[2]) end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[3])
local left = redis.call('TTL', KEYS[1])
if left >= 0 then redis.call('EXPIRE', KEYS[2], math.max(left, 1)) end
return redis.call('ZCARD', KEYS[2])
