-- Record that an account was decided again: the decision, what it changed, the review it opens, and the events about all
-- that, in one step; unless the account changed since it was read.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 review hash   5 index of open reviews
-- ARGV    1 TTL of the account, seconds   2 revision it was read at   3 tier   4 history entry   5 decision: the event, and a
--         field of the account   6 latest answer   7 oldest stream id kept   8 event of the changed tier
--         9 event of the review or '' for none   10 its place in the index   11 number of account fields that follow, then
--         the account's fields and values ('' as a value takes the field away), then the review's
-- returns {} for an unknown account, {'again'} when it changed, else {label, tier, entities, revision, established, tier before}
-- TTL     account, history and review: ARGV[1]; stream: trimmed by age; index: entries leave it with their review
local call = redis.call
local account = call('HMGET', KEYS[1], 'tier', 'revision', 'decision', 'label', 'entities', 'established')
if not account[1] then return {} end
-- A lost connection has this run twice; what stands there is then this very decision.
if account[3] == ARGV[5] then return {account[4] or '', account[1], account[5], account[2] or 0, account[6] or '', account[1]} end
if (account[2] or '0') ~= ARGV[2] then return {'again'} end
call('HSET', KEYS[1], 'decision', ARGV[5], 'latest', ARGV[6])
call('XADD', KEYS[3], 'MINID', '~', ARGV[7], '*', 'type', 'decision', 'data', ARGV[5])
local count = tonumber(ARGV[11])
for at = 12, 11 + count, 2 do
  if ARGV[at + 1] == '' then call('HDEL', KEYS[1], ARGV[at]) else call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
local revision = account[2] or 0
if account[1] ~= ARGV[3] then
  call('HSET', KEYS[1], 'tier', ARGV[3])
  revision = call('HINCRBY', KEYS[1], 'revision', 1)
  call('RPUSH', KEYS[2], ARGV[4])
  call('XADD', KEYS[3], 'MINID', '~', ARGV[7], '*', 'type', 'tier', 'data', ARGV[8])
end
if ARGV[9] ~= '' then
  call('HSET', KEYS[4], unpack(ARGV, 12 + count))
  call('EXPIRE', KEYS[4], ARGV[1])
  call('ZADD', KEYS[5], 0, ARGV[10])
  call('XADD', KEYS[3], 'MINID', '~', ARGV[7], '*', 'type', 'review', 'data', ARGV[9])
end
call('EXPIRE', KEYS[1], ARGV[1])
call('EXPIRE', KEYS[2], ARGV[1])
return {account[4] or '', ARGV[3], account[5], revision, call('HGET', KEYS[1], 'established') or '', account[1]}
