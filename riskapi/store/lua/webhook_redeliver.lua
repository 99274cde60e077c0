-- Send a delivery anew, whatever became of it: from now on as if it had just happened.
--
-- KEYS    1 delivery (hash)   2 queue of the endpoint   3 its delivered list   4 its dead list
-- ARGV    1 delivery id   2 endpoint id   3 now   4 TTL, seconds
-- returns 1, or 0 when the endpoint has no such delivery (any more: its lists forget it too)
-- TTL     delivery and queue: ARGV[4]
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if redis.call('HGET', KEYS[1], 'endpoint') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'status', 'pending', 'attempts', 0, 'started', ARGV[3], 'next_at', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
-- One that somebody holds loses its lease: it may arrive twice, under the same webhook-id.
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
