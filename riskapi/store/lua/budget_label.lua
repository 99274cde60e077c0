-- Note with an account and its cluster whether it is labelled abusive, so that those who share its budget can be told.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none)
-- ARGV    1 cluster expected, or ''   2 abusive: 1 or 0   3 TTL of budgets
-- returns {'again'} when the cluster changed since it was read, else {'noted'}
-- TTL     ARGV[3]
local call = redis.call
if (call('HGET', KEYS[1], 'cluster') or '') ~= ARGV[1] then return {'again'} end
local before = call('HEXISTS', KEYS[1], 'bad')
if before == tonumber(ARGV[2]) then return {'noted'} end
if ARGV[2] == '1' then call('HSET', KEYS[1], 'bad', 1) else call('HDEL', KEYS[1], 'bad') end
call('EXPIRE', KEYS[1], ARGV[3])
if ARGV[1] ~= '' then call('HINCRBY', KEYS[2], 'bad', ARGV[2] == '1' and 1 or -1) end
return {'noted'}
