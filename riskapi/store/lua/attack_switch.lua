-- Switch attack mode on or off, and note who did.
--
-- KEYS    1 versions of the policy (hash; `attack`: attack mode, JSON)   2 the notes (list, newest first)
-- ARGV    1 JSON of attack mode, '' to switch it off   2 JSON of the note, which holds a random id   3 notes kept
-- returns 1, 0 where it was to be switched off and is not on
-- TTL     none: both are of the policy
-- Executed twice (a connection lost on the way back) it finds its own note, and is done.
if redis.call('LINDEX', KEYS[2], 0) == ARGV[2] then return 1 end
if ARGV[1] == '' then
  if redis.call('HDEL', KEYS[1], 'attack') == 0 then return 0 end
else
  redis.call('HSET', KEYS[1], 'attack', ARGV[1])
end
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[3]) - 1)
return 1
