-- Make or change a user, unless somebody else changed the row meanwhile or the name is another's.
--
-- KEYS    1 users (hash: id → JSON)   2 names (hash: name → id)
-- ARGV    1 id   2 the row as it was read, empty for a new user   3 the row to be   4 name
--         5 '1' where the user must be the first of all
-- returns 'put', 'changed' (read it again), 'taken' (the name is another's) or 'not_first'
-- TTL     none: a user stays until removed
-- Executed twice it answers 'put' again: the row is already the one to be.
local row = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if row == ARGV[3] then return 'put' end
if row ~= ARGV[2] then return 'changed' end
if ARGV[5] == '1' and redis.call('HLEN', KEYS[1]) > 0 then return 'not_first' end
local holder = redis.call('HGET', KEYS[2], ARGV[4])
if holder and holder ~= ARGV[1] then return 'taken' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[1])
return 'put'
