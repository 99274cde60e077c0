-- Write down an account that was a customer before we knew of it, with its history and the event, once.
--
-- KEYS    1 account hash   2 history list   3 decisions stream
-- ARGV    1 TTL of the account, seconds   2 history entry   3 event   4 oldest stream id kept, then the account's fields and values
-- returns 1 when it was written, 0 when there is such an account already: it is left as it is
-- TTL     account and history: ARGV[1]; stream: trimmed by age
-- Executed twice (a connection lost on the way back) it finds its own answer, whose id is random, and is done.
local known = redis.call('HMGET', KEYS[1], 'tier', 'assessment')
if known[1] then
  for at = 5, #ARGV, 2 do
    if ARGV[at] == 'assessment' then return known[2] == ARGV[at + 1] and 1 or 0 end
  end
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[4], '*', 'type', 'import', 'data', ARGV[3])
return 1
