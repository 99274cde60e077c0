-- Whether this attempt was counted before: a command is sent again where its answer was lost. The field `attempts` of a
-- hash keeps the last 64 tokens of 12 characters.
local function is_again(key, token)
  local seen = redis.call('HGET', key, 'attempts') or ''
  if string.find(seen, token, 1, true) then return true end
  redis.call('HSET', key, 'attempts', string.sub(seen .. token, -768))
  return false
end
