-- Set the caps of one account, or take them away, with the event about it. Safe to run twice.
--
-- KEYS    1 account hash   2 decisions stream
-- ARGV    1 TTL of the account, seconds   2 caps as JSON, '' for none of its own   3 event   4 oldest stream id kept
-- returns the account's revision after it, or -1 for an unknown account
-- TTL     account: ARGV[1]; stream: trimmed by age
local account = redis.call('HMGET', KEYS[1], 'tier', 'caps', 'revision')
if not account[1] then return -1 end
local revision = tonumber(account[3] or 0)
if (account[2] or '') ~= ARGV[2] then
  if ARGV[2] == '' then redis.call('HDEL', KEYS[1], 'caps') else redis.call('HSET', KEYS[1], 'caps', ARGV[2]) end
  revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
  redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[4], '*', 'type', 'caps', 'data', ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return revision
