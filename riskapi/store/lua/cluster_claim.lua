-- Note that what binds a cluster is somebody else's by now: its accounts share the budget of one.
--
-- KEYS    1 the cluster's hash
-- ARGV    1 the thing, as edges are called   2 somebody holds it: 1 or 0
-- returns 1 where the thing binds the cluster, else 0
-- TTL     left as it is
if redis.call('HEXISTS', KEYS[1], 'e:' .. ARGV[1]) == 0 then return 0 end
local changed
if ARGV[2] == '1' then
  changed = redis.call('HSET', KEYS[1], 'c:' .. ARGV[1], 1)
else
  changed = -redis.call('HDEL', KEYS[1], 'c:' .. ARGV[1])
end
redis.call('HINCRBY', KEYS[1], 'claims', changed)
return 1
