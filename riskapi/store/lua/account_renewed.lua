-- Note that what an account uses was renewed.
--
-- KEYS    1 account hash
-- ARGV    1 Unix time of it
-- returns 1, or 0 for an unknown account
-- TTL     left as it is
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'renewed', ARGV[1])
return 1
