-- Keep a report as it came, and note whose accounts it is about.
--
-- KEYS    1 the report   2 index of all reports   3 … the index of each account it is about
-- ARGV    1 now   2 feed   3 sealed text   4 "1" where it was cut   5 TTL, seconds   6 most reports   7 id   8 … the accounts, as in KEYS
-- returns ids of reports that have to go because there are too many: the caller removes their keys
-- TTL     ARGV[5], from when the report came first; of the indexes, from now
local call, now, ttl = redis.call, ARGV[1], tonumber(ARGV[5])
if call('EXISTS', KEYS[1]) == 0 then
  call('HSET', KEYS[1], 'feed', ARGV[2], 'at', now, 'raw', ARGV[3], 'cut', ARGV[4], 'until', tonumber(now) + ttl)
  call('EXPIRE', KEYS[1], ttl)
  call('ZADD', KEYS[2], now, ARGV[7])
end
for at = 3, #KEYS do
  call('HSET', KEYS[1], 'u:' .. ARGV[at + 5], '1')
  call('ZADD', KEYS[at], 'NX', now, ARGV[7])
  call('ZREMRANGEBYSCORE', KEYS[at], '-inf', tonumber(now) - ttl)
  call('EXPIRE', KEYS[at], ttl)
end
call('ZREMRANGEBYSCORE', KEYS[2], '-inf', tonumber(now) - ttl)
call('EXPIRE', KEYS[2], ttl)
local over = call('ZCARD', KEYS[2]) - tonumber(ARGV[6])
if over <= 0 then return {} end
local gone = call('ZRANGE', KEYS[2], 0, over - 1)
call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
return gone
