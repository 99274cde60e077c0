-- Note that a cluster was looked at because of what was asked for, unless that was asked for again since.
--
-- KEYS    1 what was asked for
-- ARGV    for each: its field, and what that had when the look began
-- returns nothing
-- TTL     none: each leaves it when it was looked at
for place = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[place]) == ARGV[place + 1] then redis.call('HDEL', KEYS[1], ARGV[place]) end
end
