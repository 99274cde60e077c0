-- Have the revisions of an account go on from one that its budget knows of an account that had its id before.
--
-- KEYS    1 account hash
-- ARGV    1 revision that the budget knows
-- returns 1, or 0 where it is there already, or the account is not
-- TTL     left as it is
local account = redis.call('HMGET', KEYS[1], 'tier', 'revision')
if not account[1] or tonumber(account[2] or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1])
return 1
