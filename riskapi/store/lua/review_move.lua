-- Move a review to another status, if it may go there; a decision carries the account along in the same step.
--
-- KEYS    1 review hash   2 decisions stream   3 index of open   4 of claimed   5 of escalated   6 of decided reviews
--         and for a decision   7 account hash   8 history list   9 labels list
-- ARGV    1 target status   2 reviewer   3 now   4 seconds a claim holds   5 event   6 oldest stream id kept
--         7 its place in the index it goes to, or '' to keep the one it has
--         8 TTL of the account, seconds   9 tier   10 label   11 label entry   12 history entry with "from":"?" for the tier before
--         13 event of the label   14 event of the tier, with "from":"?" too
--         (8 to 14 are '' but for a decision), then fields and values to set on the review
-- returns {1} and, for a decision about an account that is still there, {1, label, tier, entities, revision, established, tier before};
--         {0, status, holder} when the review is unknown, decided, or held by another reviewer
-- TTL     the review keeps its own; account, history and labels: ARGV[8]
local review = redis.call('HMGET', KEYS[1], 'status', 'reviewer', 'claimed_at', 'place')
local status, holder = review[1], review[2] or ''
if not status then return {0, '', ''} end
if status == 'decided' then return {0, status, holder} end
local held = holder ~= '' and tonumber(ARGV[3]) < tonumber(review[3] or 0) + tonumber(ARGV[4])
if held and holder ~= ARGV[2] then return {0, status, holder} end
local index = {open = KEYS[3], claimed = KEYS[4], escalated = KEYS[5], decided = KEYS[6]}
local place = ARGV[7] ~= '' and ARGV[7] or review[4]
redis.call('ZREM', index[status], review[4])
redis.call('ZADD', index[ARGV[1]], 0, place)
redis.call('HSET', KEYS[1], 'status', ARGV[1], 'place', place, unpack(ARGV, 15))
local function tell(kind, event) redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[6], '*', 'type', kind, 'data', event) end
tell('review', ARGV[5])
local before = KEYS[7] and redis.call('HGET', KEYS[7], 'tier')
if not before then return {1} end
redis.call('HSET', KEYS[7], 'tier', ARGV[9], 'own', ARGV[9], 'label', ARGV[10])
redis.call('RPUSH', KEYS[9], ARGV[11])
tell('label', ARGV[13])
if before ~= ARGV[9] then
  local function from(text) return (string.gsub(text, '"from":"%?"', '"from":"' .. before .. '"', 1)) end
  redis.call('RPUSH', KEYS[8], from(ARGV[12]))
  tell('tier', from(ARGV[14]))
end
local revision = redis.call('HINCRBY', KEYS[7], 'revision', 1)
for at = 7, 9 do redis.call('EXPIRE', KEYS[at], ARGV[8]) end
local account = redis.call('HMGET', KEYS[7], 'entities', 'established')
return {1, ARGV[10], ARGV[9], account[1], revision, account[2] or '', before}
