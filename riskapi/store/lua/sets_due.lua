-- Tell which sorted sets hold something that is due: their scores are the Unix times at which it is.
--
-- KEYS    the sets
-- ARGV    1 Unix time
-- returns the places of those sets among the keys, from 0
-- TTL     nothing is written
local due = {}
for place, key in ipairs(KEYS) do
  if redis.call('ZCOUNT', key, '-inf', ARGV[1]) > 0 then due[#due + 1] = place - 1 end
end
return due
