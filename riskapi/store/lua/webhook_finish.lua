-- Write down what became of a try at a delivery, if the lease still holds.
--
-- KEYS    1 delivery (hash)   2 queue of the endpoint   3 list it moves to: delivered or dead
-- ARGV    1 delivery id   2 lease   3 new status: 'pending', 'delivered' or 'dead'   4 score in the queue or list
--         5 TTL of a delivery that leaves the queue, seconds   6 scores below this leave the list   7 most the list holds
--         then fields and values
-- returns 1, or 0 when the lease was lost
-- TTL     a delivery that leaves the queue, and the list: ARGV[5]; else they keep their own
local lease = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not lease or tonumber(lease) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[1]) == 0 then -- expired while it waited
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 1
end
redis.call('HSET', KEYS[1], 'status', ARGV[3], unpack(ARGV, 8))
redis.call('HINCRBY', KEYS[1], 'attempts', 1)
if ARGV[3] == 'pending' then
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
  return 1
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[6])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[7])
redis.call('EXPIRE', KEYS[3], ARGV[5])
return 1
