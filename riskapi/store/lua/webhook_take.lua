-- Lease deliveries that are due: until the lease ends nobody else gets them.
--
-- KEYS    1 queue of an endpoint
-- ARGV    1 now   2 end of the lease, which names it: no two takes have the same   3 how many at most
-- returns their ids
-- TTL     the queue keeps its own
local found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[2])
if #found > 0 then return found end -- the same take again
found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(found) do redis.call('ZADD', KEYS[1], ARGV[2], id) end
return found
