-- Note the domain that an account's mail comes from, where it is another than before.
--
-- KEYS    1 account hash   2 stream of the shard
-- ARGV    1 domain   2 event   3 oldest stream id kept
-- returns 1 when it is another, else 0; nothing is noted of an unknown account
-- TTL     account: left as it is; stream: trimmed by age
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HGET', KEYS[1], 'from_domain') == ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'from_domain', ARGV[1])
redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[3], '*', 'type', 'sender', 'data', ARGV[2])
return 1
