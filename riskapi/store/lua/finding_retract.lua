-- Take back what was said of a subject, because whoever said it is not believed, and tell those who were told.
--
-- KEYS    1 finding   2 accounts that were told of it   3 findings of the shard that speak against somebody, by when
--         4 stream of the shard
-- ARGV    1 the subject as the queue calls it   2 when that was said, Unix time
--         3 event, JSON without the accounts   4 accounts an event names at most   5 oldest stream id kept
-- returns 1, or 0 where something else was said since, or it was taken back already
-- TTL     stream: trimmed by age
local score = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
local told, most = redis.call('SMEMBERS', KEYS[2]), tonumber(ARGV[4])
for at = 1, #told, most do
  local named = cjson.encode({unpack(told, at, math.min(at + most - 1, #told))})
  local event = string.sub(ARGV[3], 1, -2) .. ',"user_ids":' .. named .. '}'
  redis.call('XADD', KEYS[4], 'MINID', '~', ARGV[5], '*', 'type', 'finding', 'data', event)
end
redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
