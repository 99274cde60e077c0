-- Take an account off the agenda, or put it to its next time, if it is still ours.
--
-- KEYS    1 agenda of the shard   2 causes of the shard
-- ARGV    1 user_id   2 token   3 when it is due next, or ''
-- returns 1, or 0 when it is no longer ours: it was brought forward meanwhile, or taken over
-- TTL     none: accounts leave the agenda when they were looked at for the last time
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
local due, cause = ARGV[3], 'schedule'
local noted = redis.call('HGET', KEYS[2], '~' .. ARGV[1])
if noted then -- what happened while it was looked at
  local at, why = string.match(noted, '^([^ ]+) (.*)$')
  if due == '' or tonumber(at) < tonumber(due) then due, cause = at, why end
  redis.call('HDEL', KEYS[2], '~' .. ARGV[1])
end
if due == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], due, ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], cause)
end
return 1
