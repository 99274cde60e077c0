-- Keep what an upstream said of a subject, tell who waited for it, and take it off the queue, if it is still ours; or put
-- it off, where a part is missing.
--
-- KEYS    1 finding   2 accounts that wait   3 queue of the shard   4 subjects of the queue   5 stream of the shard
--         6 findings of the shard that speak against somebody, by when   7 accounts that were told of this one
-- ARGV    1 JSON: `subject` as the queue calls it, `token`, `ttl` of the finding in seconds, `event`, JSON without the accounts, `named`:
--         accounts an event names at most, `oldest` stream id kept; where something is missing `again`: when it is looked up once more,
--         and `told`: what it is then, JSON; where what was said speaks against them: `against`: its Unix time
--         2 finding, JSON
-- returns 1, or 0 when it is no longer ours
-- TTL     finding, accounts that were told and the list of such findings: `ttl`; stream: trimmed by age
local given = cjson.decode(ARGV[1])
local score = redis.call('ZSCORE', KEYS[3], given.subject)
if not score or tonumber(score) ~= tonumber(given.token) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', given.ttl)
local against = given.against
if against then
  redis.call('ZADD', KEYS[6], against, given.subject)
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', tonumber(against) - given.ttl)
  redis.call('EXPIRE', KEYS[6], given.ttl)
else
  redis.call('ZREM', KEYS[6], given.subject)
  redis.call('DEL', KEYS[7])
end
local waiting, most = redis.call('SMEMBERS', KEYS[2]), given.named
for at = 1, #waiting, most do
  local some = {unpack(waiting, at, math.min(at + most - 1, #waiting))}
  local named = cjson.encode(some)
  if against then redis.call('SADD', KEYS[7], unpack(some)) end
  -- Appended to the text, so that the numbers in it keep their digits.
  local event = string.sub(given.event, 1, -2) .. ',"user_ids":' .. named .. '}'
  redis.call('XADD', KEYS[5], 'MINID', '~', given.oldest, '*', 'type', 'finding', 'data', event)
end
if against then redis.call('EXPIRE', KEYS[7], given.ttl) end
if given.again then -- whoever waits goes on waiting for the rest
  redis.call('ZADD', KEYS[3], given.again, given.subject)
  redis.call('HSET', KEYS[4], given.subject, given.told)
  return 1
end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], given.subject)
redis.call('HDEL', KEYS[4], given.subject)
return 1
