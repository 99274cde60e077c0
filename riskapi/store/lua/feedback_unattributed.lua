-- Keep a report that nobody can attribute, count it by its reason, and note the message ids that may tell later whose it is.
--
-- KEYS    1 the report   2 index of its sort   3 counts   4 … messages
-- ARGV    1 id   2 place in the index (`<ms>:<id>:<feed>:<reason>`)   3 feed   4 reason   5 id of the raw report, or ''   6 sealed report
--         7 UTC day   8 first day that is counted   9 TTL, seconds   10 places older than this are forgotten   11 most reports of this sort
-- returns {1 where it is new, else 0, places that have to go because there are too many: the caller removes their keys}
-- TTL     ARGV[9], from when it came first; of the indexes, from now
local call, ttl = redis.call, ARGV[9]
if call('EXISTS', KEYS[1]) == 1 then return {0, {}} end
call('HSET', KEYS[1], 'place', ARGV[2], 'feed', ARGV[3], 'reason', ARGV[4], 'raw', ARGV[5], 'report', ARGV[6])
call('EXPIRE', KEYS[1], ttl)
call('ZADD', KEYS[2], 0, ARGV[2])
call('ZREMRANGEBYLEX', KEYS[2], '-', '(' .. ARGV[10])
call('EXPIRE', KEYS[2], ttl)
for at = 4, #KEYS do
  call('SADD', KEYS[at], ARGV[1])
  call('EXPIRE', KEYS[at], ttl)
end
for _, field in ipairs(call('HKEYS', KEYS[3])) do
  if tonumber(string.match(field, '^%d+')) < tonumber(ARGV[8]) then call('HDEL', KEYS[3], field) end
end
call('HINCRBY', KEYS[3], ARGV[7] .. ':' .. ARGV[3] .. ':' .. ARGV[4], 1)
call('EXPIRE', KEYS[3], ttl)
local over = call('ZCARD', KEYS[2]) - tonumber(ARGV[11])
if over <= 0 then return {1, {}} end
local gone = call('ZRANGE', KEYS[2], 0, over - 1)
call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
return {1, gone}
