-- Keep what abuse of an account means for others, or its next state. Safe to run twice: it writes the same again, or nothing.
--
-- KEYS    1 account hash   2 decisions stream   3 live spreads of the shard, by when they end
-- ARGV    1 user_id   2 id of the spread that is changed, '' to begin one   3 the spread, as JSON   4 Unix time it ends, '' for never,
--         or for one that is not live   5 event, '' for none   6 oldest stream id kept
-- returns 1, or 0 where nothing changed: the account is not labelled abuse, it has a spread already, or not the one that is changed
-- TTL     account: left as it is; the index has none; stream: trimmed by age
local account = redis.call('HMGET', KEYS[1], 'label', 'spread')
if account[1] ~= 'abuse' then return 0 end
if ARGV[2] == '' then
  if account[2] then return 0 end
else
  local sound, kept = pcall(cjson.decode, account[2] or '')
  if not sound or type(kept) ~= 'table' or kept.id ~= ARGV[2] then return 0 end
end
redis.call('HSET', KEYS[1], 'spread', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'revision', 1)
if ARGV[4] ~= '' then redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1]) else redis.call('ZREM', KEYS[3], ARGV[1]) end
if ARGV[5] ~= '' then redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[6], '*', 'type', 'spread', 'data', ARGV[5]) end
return 1
