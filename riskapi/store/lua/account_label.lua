-- Label an account; the latest label stands and all are kept. Undoing a decision of a review from before leaves the account alone,
-- and what the label before meant for others (`spread`) goes with it.
--
-- KEYS    1 account hash   2 labels list   3 decisions stream
-- ARGV    1 TTL, seconds   2 label   3 label entry   4 event   5 oldest stream id kept   6 1: only where no other label than
--         `unknown` stands, else 0
-- returns {label, tier, entities, revision, established} after it, or {} for an unknown account
-- TTL     account and labels: ARGV[1]
local known = redis.call('HMGET', KEYS[1], 'tier', 'label', 'entities', 'revision', 'established')
if not known[1] then return {} end
local before = known[2] or ''
if ARGV[6] == '1' and before ~= '' and before ~= 'unknown' then
  return {before, known[1], known[3], known[4] or 0, known[5] or ''}
end
redis.call('HSET', KEYS[1], 'label', ARGV[2])
redis.call('HDEL', KEYS[1], 'decided', 'spread')
local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MINID', '~', ARGV[5], '*', 'type', 'label', 'data', ARGV[4])
return {ARGV[2], known[1], known[3], revision, known[5] or ''}
