-- Change the tier of an account on a person's word, with its history and the event about it.
--
-- KEYS    1 account hash   2 history list   3 decisions stream
-- ARGV    1 TTL, seconds   2 tier   3 history entry and   4 event, each with "from":"?" for the tier before   5 oldest stream id kept
-- returns {label, tier, entities, revision, established, tier before}, or {} for an unknown account
-- TTL     account and history: ARGV[1]
--+ tiers
local call, tier = redis.call, ARGV[2]
local known = call('HMGET', KEYS[1], 'tier', 'own')
local before = known[1]
if not before then return {} end
-- `own` is the tier that the account has by itself, whatever others do; `decided` is the decision of a review that stands.
if before ~= tier or known[2] ~= tier then
  call('HSET', KEYS[1], 'own', tier)
  call('HINCRBY', KEYS[1], 'revision', 1)
end
call('HDEL', KEYS[1], 'decided')
set_tier({account = KEYS[1], history = KEYS[2], stream = KEYS[3]}, before, tier, ARGV[5], ARGV[3], ARGV[4])
call('EXPIRE', KEYS[1], ARGV[1])
call('EXPIRE', KEYS[2], ARGV[1])
local account = call('HMGET', KEYS[1], 'label', 'tier', 'entities', 'revision', 'established')
return {account[1] or '', account[2], account[3], account[4] or 0, account[5] or '', before}
