-- Have an account decided again at a time. One that is due earlier may be under way already, with what was known then: it
-- is noted for whoever is done with it that it is to be looked at once more.
--
-- KEYS    1 agenda of the shard   2 causes of the shard
-- ARGV    1 user_id   2 when it is due   3 cause
-- returns 1, or 0 where it is due earlier
-- TTL     none: accounts leave the agenda when they were looked at for the last time
local due = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or nil)
if due and due <= tonumber(ARGV[2]) then
  local noted = redis.call('HGET', KEYS[2], '~' .. ARGV[1])
  if not noted or tonumber(ARGV[2]) < tonumber(string.match(noted, '^[^ ]+')) then
    redis.call('HSET', KEYS[2], '~' .. ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
  end
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1
