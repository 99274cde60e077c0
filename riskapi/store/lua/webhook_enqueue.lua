-- Queue a delivery to an endpoint, once.
--
-- KEYS    1 delivery (hash)   2 queue of the endpoint   3 its dead list   4 all endpoints (hash)
-- ARGV    1 delivery id   2 endpoint id   3 when it is due   4 most the queue holds   5 TTL, seconds, then fields and values
-- returns 'queued'; 'known' for one that is there already; 'dead' when the queue is full: it is kept in the dead list;
--         'gone' when there is no such endpoint any more
-- TTL     delivery, queue and dead list: ARGV[5]
if redis.call('HEXISTS', KEYS[4], ARGV[2]) == 0 then return 'gone' end
if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end
local full = redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4])
local list = full and KEYS[3] or KEYS[2]
redis.call('HSET', KEYS[1], 'status', full and 'dead' or 'pending', unpack(ARGV, 6))
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', list, ARGV[3], ARGV[1])
if full then -- the oldest of those are lost in the end
  redis.call('HSET', KEYS[1], 'error', 'queue_full')
  redis.call('ZREMRANGEBYRANK', list, 0, -1 - ARGV[4])
end
redis.call('EXPIRE', list, ARGV[5])
return full and 'dead' or 'queued'
