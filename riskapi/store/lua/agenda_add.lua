-- Have an account decided again at a time. One that is due earlier may be under way already, with what was known then: it
-- is noted for whoever is done with it that it is to be looked at once more. Whatever else it is looked at for, it is told
-- that a cut is among it, or else that a finding was retracted, because that is judged afresh (riskapi/decisions/movement.py).
--
-- KEYS    1 agenda of the shard   2 causes of the shard
-- ARGV    1 user_id   2 when it is due   3 cause
-- returns 1, or 0 where it is due earlier
-- TTL     none: accounts leave the agenda when they were looked at for the last time
local user, at, cause = ARGV[1], ARGV[2], ARGV[3]
local rank = {['cut'] = 2, ['finding.retracted'] = 1}
local function weightier(one, other) return (rank[one or ''] or 0) > (rank[other or ''] or 0) and one or other end
local due = tonumber(redis.call('ZSCORE', KEYS[1], user) or nil)
if due and due <= tonumber(at) then
  local noted, why = string.match(redis.call('HGET', KEYS[2], '~' .. user) or '', '^([^ ]+) (.*)$')
  if not noted or tonumber(at) < tonumber(noted) then noted, why = at, weightier(why, cause) end
  redis.call('HSET', KEYS[2], '~' .. user, noted .. ' ' .. weightier(cause, why))
  if rank[cause] then redis.call('HSET', KEYS[2], user, weightier(redis.call('HGET', KEYS[2], user), cause)) end
  return 0
end
if due then cause = weightier(redis.call('HGET', KEYS[2], user), cause) end
redis.call('ZADD', KEYS[1], at, user)
redis.call('HSET', KEYS[2], user, cause)
return 1
