-- Note that clusters were looked at because of some accounts, unless that was asked for again since.
--
-- KEYS    1 how often a look was asked for, by account
-- ARGV    1 "user_id times user_id times …", as often as it had been asked for when the look began; no user_id has a blank
-- returns nothing
-- TTL     none: accounts leave it when their clusters were looked at
for user, times in string.gmatch(ARGV[1], '(%S+) (%S+)') do
  if redis.call('HGET', KEYS[1], user) == times then redis.call('HDEL', KEYS[1], user) end
end
