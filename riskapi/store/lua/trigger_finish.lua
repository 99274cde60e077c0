-- Write down that what a trigger says was done about an account, with the event about it; once, by whoever is first.
--
-- KEYS    1 what the trigger did   2 decisions stream
-- ARGV    1 `done <action> <token of this attempt>`   2 TTL, seconds   3 event   4 oldest stream id kept
-- returns 1, also to this very attempt again (the connection was lost on the way back); 0 where another was first
-- TTL     ARGV[2]; stream: trimmed by age
local before = redis.call('GET', KEYS[1])
if before == ARGV[1] then return 1 end
if before and string.sub(before, 1, 4) == 'done' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[4], '*', 'type', 'feedback', 'data', ARGV[3])
return 1
