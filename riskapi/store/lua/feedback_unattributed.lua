-- Keep a report that nobody can attribute, count it by its reason, and note the message ids that may tell later whose it is.
--
-- KEYS    1 the report   2 index of its sort   3 counts   4 … messages
-- ARGV    1 JSON: `id`, `place` in the index (`<ms>:<id>:<feed>:<reason>`), `feed`, `reason`, `raw`: id of the raw report, or '', `day`
--         of today (UTC), `first` day that is counted, `ttl` in seconds, `oldest`: places below it are forgotten, `most` reports of this
--         sort   2 sealed report
-- returns {1 where it is new, else 0, places that have to go because there are too many: the caller removes their keys}
-- TTL     `ttl`, from when it came first; of the indexes, from now
local call, given = redis.call, cjson.decode(ARGV[1])
local ttl = given.ttl
if call('EXISTS', KEYS[1]) == 1 then return {0, {}} end
call('HSET', KEYS[1], 'place', given.place, 'feed', given.feed, 'reason', given.reason, 'raw', given.raw, 'report', ARGV[2])
call('EXPIRE', KEYS[1], ttl)
call('ZADD', KEYS[2], 0, given.place)
call('ZREMRANGEBYLEX', KEYS[2], '-', '(' .. given.oldest)
call('EXPIRE', KEYS[2], ttl)
for at = 4, #KEYS do
  call('SADD', KEYS[at], given.id)
  call('EXPIRE', KEYS[at], ttl)
end
for _, field in ipairs(call('HKEYS', KEYS[3])) do
  if tonumber(string.match(field, '^%d+')) < given.first then call('HDEL', KEYS[3], field) end
end
call('HINCRBY', KEYS[3], given.day .. ':' .. given.feed .. ':' .. given.reason, 1)
call('EXPIRE', KEYS[3], ttl)
local over = call('ZCARD', KEYS[2]) - given.most
if over <= 0 then return {1, {}} end
local gone = call('ZRANGE', KEYS[2], 0, over - 1)
call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
return {1, gone}
