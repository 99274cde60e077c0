-- Have accounts decided again, each at a time. One that is due earlier may be under way already, with what was known then: it is
-- noted for whoever is done with it that it is to be looked at once more.
--
-- KEYS    1 agenda of the shard   2 causes of the shard
-- ARGV    1 "user_id time user_id time …", the time as a number in a text; no user_id has a blank   2 cause
-- returns how many were not due earlier
-- TTL     none: accounts leave the agenda when they were looked at for the last time
--+ agenda
local added = 0
for user, at in string.gmatch(ARGV[1], '(%S+) (%S+)') do
  if add_due(KEYS[1], KEYS[2], user, at, ARGV[2]) then added = added + 1 end
end
return added
