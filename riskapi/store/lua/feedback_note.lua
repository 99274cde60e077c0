-- Note that a kept report is about an account too, which was found out later. Safe to run twice.
--
-- KEYS    1 the report   2 index of the account's reports
-- ARGV    1 now, Unix time   2 id of the report   3 the account
-- returns whether the report is still kept (0 or 1)
-- TTL     of the report, as it is; of the index, as long as the report's at least
local ttl = redis.call('TTL', KEYS[1])
if ttl < 0 then return 0 end
redis.call('HSET', KEYS[1], 'u:' .. ARGV[3], '1')
redis.call('ZADD', KEYS[2], 'NX', ARGV[1], ARGV[2])
if redis.call('TTL', KEYS[2]) < ttl then redis.call('EXPIRE', KEYS[2], ttl) end
return 1
