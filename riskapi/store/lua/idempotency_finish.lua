-- Remember the answer of the attempt that owns an Idempotency-Key.
--
-- KEYS    1 remembered answer
-- ARGV    1 owner   2 status   3 media type   4 body   5 seconds to remember it   6 other headers, JSON
-- returns 1, or 0 when another attempt owns the key by now
-- TTL     ARGV[5]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'status', ARGV[2], 'media', ARGV[3], 'body', ARGV[4], 'headers', ARGV[6])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
