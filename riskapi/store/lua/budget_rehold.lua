-- Let a hold that a decision ended go on as it was, once, unless another decision ended it since. See budget_unhold.lua.
--
-- KEYS    1 budget of the account
-- ARGV    1 id of the decision   2 TTL, seconds
-- returns 1 it is as it was, 0 it was left as it is
-- TTL     ARGV[2]
local mine = 'h:' .. ARGV[1]
local found = redis.call('HMGET', KEYS[1], mine, 'hold_off')
redis.call('HSET', KEYS[1], mine, 'undone')
redis.call('EXPIRE', KEYS[1], ARGV[2])
local ends, off, set = string.match(found[1] or '', '^(.*)|(.*)|(.*)$')
if not ends or found[2] ~= set then return 0 end
redis.call('HSET', KEYS[1], 'hold_until', ends, 'hold_off', off)
return 1
