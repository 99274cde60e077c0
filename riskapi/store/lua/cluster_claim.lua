-- Note that what binds a cluster is somebody else's by now: its accounts share the budget of one.
--
-- KEYS    1 the cluster's hash
-- ARGV    1 the thing, as edges are called
-- returns 1 where the thing binds the cluster, else 0
-- TTL     left as it is
if redis.call('HEXISTS', KEYS[1], 'e:' .. ARGV[1]) == 0 then return 0 end
local changed = redis.call('HSET', KEYS[1], 'c:' .. ARGV[1], 1)
redis.call('HINCRBY', KEYS[1], 'claims', changed)
return 1
