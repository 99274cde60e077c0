-- Change the tier of an account on a person's word, with its history and the event about it.
--
-- KEYS    1 account hash   2 history list   3 decisions stream
-- ARGV    1 TTL, seconds   2 tier   3 history entry and   4 event, each with "from":"?" for the tier before   5 oldest stream id kept
-- returns {label, tier, entities, revision, established, tier before}, or {} for an unknown account
-- TTL     account and history: ARGV[1]
local known = redis.call('HMGET', KEYS[1], 'tier', 'own')
local before = known[1]
if not before then return {} end
-- `own` is the tier that the account has by itself, whatever others do; `decided` is the decision of a review that stands.
if before ~= ARGV[2] or known[2] ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'tier', ARGV[2], 'own', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'revision', 1)
end
redis.call('HDEL', KEYS[1], 'decided')
if before ~= ARGV[2] then
  local function from(text) return (string.gsub(text, '"from":"%?"', '"from":"' .. before .. '"', 1)) end
  redis.call('RPUSH', KEYS[2], from(ARGV[3]))
  redis.call('EXPIRE', KEYS[2], ARGV[1])
  redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[5], '*', 'type', 'tier', 'data', from(ARGV[4]))
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
local account = redis.call('HMGET', KEYS[1], 'label', 'tier', 'entities', 'revision', 'established')
return {account[1] or '', account[2], account[3], account[4] or 0, account[5] or '', before}
