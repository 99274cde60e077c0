-- Keep what abuse of an account means for others, or its next state, with the event about that. Safe to run twice: it writes the
-- same again, or nothing.
--
-- KEYS    1 account hash   2 decisions stream
-- ARGV    1 id of the spread that is changed, '' to begin one   2 the spread, as JSON   3 event   4 oldest stream id kept
-- returns 1, or 0 where nothing changed: the account is not labelled abuse, it has a spread already, or not the one that is changed
-- TTL     account: left as it is; stream: trimmed by age
local account = redis.call('HMGET', KEYS[1], 'label', 'spread')
if account[1] ~= 'abuse' then return 0 end
if ARGV[1] == '' then
  if account[2] then return 0 end
else
  local sound, kept = pcall(cjson.decode, account[2] or '')
  if not sound or type(kept) ~= 'table' or kept.id ~= ARGV[1] then return 0 end
end
redis.call('HSET', KEYS[1], 'spread', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[4], '*', 'type', 'spread', 'data', ARGV[3])
return 1
