-- Keep what an upstream said of a subject, tell who waited for it, and take it off the queue, if it is still ours; or put
-- it off, where a part is missing.
--
-- KEYS    1 finding   2 accounts that wait   3 queue of the shard   4 subjects of the queue   5 stream of the shard
--         6 findings of the shard that speak against somebody, by when   7 accounts that were told of this one
-- ARGV    1 the subject as the queue calls it   2 token   3 finding, JSON   4 TTL of the finding, seconds
--         5 event, JSON without the accounts   6 accounts an event names at most
--         7 oldest stream id kept   8 when it is looked up once more, because something is missing, or ''
--         9 what it is then, JSON   10 Unix time of what was said where it speaks against them, or ''
-- returns 1, or 0 when it is no longer ours
-- TTL     finding, accounts that were told and the list of such findings: ARGV[4]; stream: trimmed by age
local score = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
local against = ARGV[10] ~= ''
if against then
  redis.call('ZADD', KEYS[6], ARGV[10], ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', tonumber(ARGV[10]) - tonumber(ARGV[4]))
  redis.call('EXPIRE', KEYS[6], ARGV[4])
else
  redis.call('ZREM', KEYS[6], ARGV[1])
  redis.call('DEL', KEYS[7])
end
local waiting, most = redis.call('SMEMBERS', KEYS[2]), tonumber(ARGV[6])
for at = 1, #waiting, most do
  local some = {unpack(waiting, at, math.min(at + most - 1, #waiting))}
  local named = cjson.encode(some)
  if against then redis.call('SADD', KEYS[7], unpack(some)) end
  -- Appended to the text, so that the numbers in it keep their digits.
  local event = string.sub(ARGV[5], 1, -2) .. ',"user_ids":' .. named .. '}'
  redis.call('XADD', KEYS[5], 'MINID', '~', ARGV[7], '*', 'type', 'finding', 'data', event)
end
if against then redis.call('EXPIRE', KEYS[7], ARGV[4]) end
if ARGV[8] ~= '' then -- whoever waits goes on waiting for the rest
  redis.call('ZADD', KEYS[3], ARGV[8], ARGV[1])
  redis.call('HSET', KEYS[4], ARGV[1], ARGV[9])
  return 1
end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
return 1
