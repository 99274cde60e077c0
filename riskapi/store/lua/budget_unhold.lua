-- End the hold of an account because of a decision, once for each decision, and start none for a while.
--
-- KEYS    1 budget of the account
-- ARGV    1 id of the decision   2 Unix time until which no hold starts   3 TTL, seconds
-- returns 1 ended, 0 it was ended by this decision before, or that was undone
-- TTL     ARGV[3]
local mine = 'h:' .. ARGV[1]
local found = redis.call('HMGET', KEYS[1], mine, 'hold_until', 'hold_off')
if found[1] then return 0 end
local kept = (found[2] or '0') .. '|' .. (found[3] or '0') .. '|' .. ARGV[2]
redis.call('HSET', KEYS[1], 'hold_until', 0, 'hold_off', ARGV[2], mine, kept)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
