-- Let go of the ring of a cluster.
--
-- KEYS    1 claim of the ring
-- ARGV    1 reviewer
-- returns 1, or 0 where the reviewer does not hold it
-- TTL     writes none
if redis.call('HGET', KEYS[1], 'reviewer') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
