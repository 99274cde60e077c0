-- Note that an account is an established customer from some time on, or no longer.
--
-- KEYS    1 account hash
-- ARGV    1 TTL of the account, seconds   2 Unix time since when, or '' where it is not one any more   3 by what: import, plan,
--         payment or mail
-- returns 1 where it changed, else 0; nothing is noted of an unknown account. One thing does not end what another
--         established, and the earlier time stands
-- TTL     ARGV[1]
local call = redis.call
local account = call('HMGET', KEYS[1], 'tier', 'established', 'established_by')
if not account[1] then return 0 end
if ARGV[2] == '' then
  if account[3] ~= ARGV[3] then return 0 end
  call('HDEL', KEYS[1], 'established', 'established_by')
else
  if account[2] and tonumber(account[2]) <= tonumber(ARGV[2]) then return 0 end
  call('HSET', KEYS[1], 'established', ARGV[2], 'established_by', ARGV[3])
end
call('HINCRBY', KEYS[1], 'revision', 1)
call('EXPIRE', KEYS[1], ARGV[1])
return 1
