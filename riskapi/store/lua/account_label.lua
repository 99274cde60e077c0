-- Label an account; the latest label stands and all are kept. Undoing a decision of a review from before leaves the account alone,
-- and what the label before meant for others (`spread`) goes with it.
--
-- KEYS    1 account hash   2 labels list   3 decisions stream
-- ARGV    1 TTL, seconds   2 label   3 label entry   4 event   5 oldest stream id kept
-- returns {label, tier, entities, revision, established} after it, or {} for an unknown account
-- TTL     account and labels: ARGV[1]
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
redis.call('HSET', KEYS[1], 'label', ARGV[2])
redis.call('HDEL', KEYS[1], 'decided', 'spread')
local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[5], '*', 'type', 'label', 'data', ARGV[4])
local account = redis.call('HMGET', KEYS[1], 'tier', 'entities', 'established')
return {ARGV[2], account[1], account[2], revision, account[3] or ''}
