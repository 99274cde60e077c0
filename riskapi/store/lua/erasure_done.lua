-- Note that what was due of an erasure is done, unless somebody asked for the same account to be erased meanwhile.
--
-- KEYS    1 erasures by when something is due   2 hash of erasures by user_id
-- ARGV    1 user_id   2 when it was due   3 when something is due next, '' for never
-- returns 1, or 0 where it is due at another time by now
-- TTL     none: see erasure_keep.lua
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return 1
