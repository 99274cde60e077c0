-- Take subjects that are due, for a time; whoever does not finish within it loses them to the next who takes.
--
-- KEYS    1 queue of the shard   2 subjects of the queue
-- ARGV    1 now   2 until when they are ours, which is also the token that proves it   3 how many at most
-- returns {the subject as the queue calls it, what it is, …}
-- TTL     none: subjects leave the queue when they are looked up or given up
local taken = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local told = redis.call('HGET', KEYS[2], member)
  if told then
    redis.call('ZADD', KEYS[1], ARGV[2], member)
    taken[#taken + 1] = member
    taken[#taken + 1] = told
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return taken
