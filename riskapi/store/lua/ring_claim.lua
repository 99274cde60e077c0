-- Let a reviewer hold the ring of a cluster, if nobody else does.
--
-- KEYS    1 claim of the ring, a hash
-- ARGV    1 reviewer   2 who holds it from now on: the reviewer, or whom they hand it to   3 Unix time now   4 seconds a claim holds
-- returns {1, who held it before, '' for nobody}; {0, holder} while another reviewer holds it
-- TTL     ARGV[4], by the store's own clock; whether a claim still holds is told by the time in it
local found = redis.call('HMGET', KEYS[1], 'reviewer', 'claimed_at')
local holder = found[1] or ''
if holder ~= '' and tonumber(ARGV[3]) >= tonumber(found[2]) + tonumber(ARGV[4]) then holder = '' end
if holder ~= '' and holder ~= ARGV[1] then return {0, holder} end
redis.call('HSET', KEYS[1], 'reviewer', ARGV[2], 'claimed_at', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, holder}
