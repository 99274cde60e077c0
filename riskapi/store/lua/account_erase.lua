-- Erase an account and what is kept beside it, unless another account was recorded under its id since it was read.
--
-- KEYS    1 account hash   2 agenda of the shard   3 causes of the shard   4 its accounts with linked restrictions
--         then the other keys of the account
-- ARGV    1 user_id   2 its field `assessment` as it was read, '' where it had none
-- returns how many keys were there, or -1 where there is another account
-- TTL     none: all of it is deleted
local call, user = redis.call, ARGV[1]
local there = call('HGET', KEYS[1], 'assessment')
if there and there ~= ARGV[2] then return -1 end
call('ZREM', KEYS[2], user)
call('HDEL', KEYS[3], user, '~' .. user)
call('ZREM', KEYS[4], user)
return call('DEL', KEYS[1], unpack(KEYS, 5))
