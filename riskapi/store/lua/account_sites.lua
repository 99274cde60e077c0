-- Note the sites that a message of an account links to. Safe to repeat.
--
-- KEYS    1 the account's sites: a sorted set of HMACs by the Unix time of the last message that links to each
-- ARGV    1 Unix time of the message   2 retention, seconds   3 the most sites kept   4 … HMACs
-- returns HMACs that left the set because there are too many, those linked to longest ago: the caller takes the account out
-- TTL     ARGV[2], from the last message
local at = tonumber(ARGV[1])
for i = 4, #ARGV do redis.call('ZADD', KEYS[1], 'GT', ARGV[1], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (at - tonumber(ARGV[2])))
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[3])
if over <= 0 then return {} end
local gone = redis.call('ZRANGE', KEYS[1], 0, over - 1)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, over - 1)
return gone
