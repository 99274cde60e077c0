-- Put an API key in the place of another, which works for some time more, unless that was changed or revoked meanwhile.
--
-- KEYS    1 API keys (hash: SHA-256 → JSON)
-- ARGV    1 SHA-256 of the key there is   2 its row as it was read   3 its row to be   4 SHA-256 of the new key   5 its row
-- returns 1, also to this very attempt again (the connection was lost on the way back); 0 where the row is another by now
-- TTL     none: a key holds until it is revoked
local row = redis.call('HGET', KEYS[1], ARGV[1])
if row == ARGV[3] and redis.call('HEXISTS', KEYS[1], ARGV[4]) == 1 then return 1 end
if row ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], ARGV[4], ARGV[5])
return 1
