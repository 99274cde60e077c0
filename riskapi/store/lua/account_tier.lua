-- Set the tier of an account, with its history and the event about it. What a person says it is, it is by itself: `own`.
--
-- KEYS    1 account hash   2 history list   3 decisions stream
-- ARGV    1 TTL, seconds   2 tier   3 history entry and   4 event, each with "from":"?" for the tier before   5 oldest stream id kept
-- returns {label, tier, entities, revision, established, tier before}, or {} for an unknown account
-- TTL     account and history: ARGV[1]
local before = redis.call('HGET', KEYS[1], 'tier')
if not before then return {} end
if before ~= ARGV[2] or redis.call('HGET', KEYS[1], 'own') ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'tier', ARGV[2], 'own', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'revision', 1)
end
if before ~= ARGV[2] then
  local function from(text) return (string.gsub(text, '"from":"%?"', '"from":"' .. before .. '"', 1)) end
  redis.call('RPUSH', KEYS[2], from(ARGV[3]))
  redis.call('EXPIRE', KEYS[2], ARGV[1])
  redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[5], '*', 'type', 'tier', 'data', from(ARGV[4]))
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
local account = redis.call('HMGET', KEYS[1], 'label', 'tier', 'entities', 'revision', 'established')
return {account[1] or '', account[2], account[3], account[4] or 0, account[5] or '', before}
