-- Let an account wait for what an upstream says of a subject, and have the subject looked up, unless it is known.
--
-- KEYS    1 finding   2 accounts that wait   3 queue of the shard   4 subjects of the queue
--         5 accounts that were told of it, where it speaks against them
-- ARGV    1 now   2 user_id   3 the subject as the queue calls it   4 what it is, JSON   5 TTL of those that wait, seconds
--         6 subjects the queue holds at most: what comes on top is not looked up now
-- returns the Unix time of the finding that is there, as text, or nil; one that is no longer fresh is looked up again
-- TTL     those that were told: as it was; those that wait: ARGV[5]; queue and subjects: they leave it when they are looked up or given up
local found, at = redis.call('GET', KEYS[1]), nil
if found then
  local sound, known = pcall(cjson.decode, found)
  if not sound or type(known) ~= 'table' or type(known.fresh_until) ~= 'number' then known = {fresh_until = 0} end
  -- Cut from the text: numbers that went through Lua come out with fewer digits.
  at = string.match(found, '"checked_at":([%d.eE+-]+)')
  if redis.call('EXISTS', KEYS[5]) == 1 then redis.call('SADD', KEYS[5], ARGV[2]) end
  if known.fresh_until > tonumber(ARGV[1]) then return at end
end
if not redis.call('ZSCORE', KEYS[3], ARGV[3]) and redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[6]) then return at end
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[5])
if redis.call('ZADD', KEYS[3], 'NX', ARGV[1], ARGV[3]) == 1 then redis.call('HSET', KEYS[4], ARGV[3], ARGV[4]) end
return at
