-- Take accounts that are due, for a time; whoever is not done with them by then loses them to the next who takes.
--
-- KEYS    1 agenda of the shard   2 causes of the shard
-- ARGV    1 now   2 until when they are ours, which is also the token that proves it   3 how many at most
-- returns {user_id, cause, when it was due, …}
-- TTL     none: accounts leave the agenda when they were looked at for the last time
local taken = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for place = 1, #due, 2 do
  local user = due[place]
  redis.call('ZADD', KEYS[1], ARGV[2], user)
  -- What it was to be looked at for until now is seen by this look.
  local noted = redis.call('HGET', KEYS[2], '~' .. user)
  if noted and tonumber(string.match(noted, '^[^ ]+')) <= tonumber(ARGV[1]) then redis.call('HDEL', KEYS[2], '~' .. user) end
  taken[#taken + 1] = user
  taken[#taken + 1] = redis.call('HGET', KEYS[2], user) or 'schedule'
  taken[#taken + 1] = due[place + 1]
end
return taken
