-- Forget an attempt that failed on our side, so that the caller may try again at once.
--
-- KEYS    1 remembered answer
-- ARGV    1 owner
-- returns 1, or 0 when it is answered or another attempt owns the key by now
-- TTL     none left: the key is deleted
local found = redis.call('HMGET', KEYS[1], 'owner', 'status')
if found[1] ~= ARGV[1] or found[2] then return 0 end
return redis.call('DEL', KEYS[1])
