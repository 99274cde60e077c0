-- The agenda: whoever is to be decided again, see agenda_add.lua.

-- Whatever else an account is looked at for, it is told that a cut is among it, or else that a finding was retracted, because that is
-- judged afresh (riskapi/decisions/movement.py).
local function weightier(one, other)
  local rank = {['cut'] = 2, ['finding.retracted'] = 1}
  return (rank[one or ''] or 0) > (rank[other or ''] or 0) and one or other end

-- Have an account decided again at a time, a text, for a cause; whether it was not due earlier.
local function add_due(agenda, causes, user, at, cause)
  local weighty = cause == 'cut' or cause == 'finding.retracted'
  local due = tonumber(redis.call('ZSCORE', agenda, user) or nil)
  if due and due <= tonumber(at) then
    local before = redis.call('HGET', causes, '~' .. user) or ''
    local noted, why = string.match(before, '^([^ ]+) (.*)$')
    if not noted or tonumber(at) < tonumber(noted) then noted, why = at, weightier(why, cause) end
    local after = noted .. ' ' .. weightier(cause, why)
    if after ~= before then redis.call('HSET', causes, '~' .. user, after) end
    if weighty then redis.call('HSET', causes, user, weightier(redis.call('HGET', causes, user), cause)) end
    return false
  end
  if due then cause = weightier(redis.call('HGET', causes, user), cause) end
  redis.call('ZADD', agenda, at, user)
  redis.call('HSET', causes, user, cause)
  return true
end
