-- Record that an account was decided again: the decision, what it changed, the review it opens, and the events about all
-- that, in one step; unless the account changed since it was read.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 review hash   5 index of open reviews
-- ARGV    1 JSON: `ttl` of the account in seconds, `oldest` stream id kept, `user_id`, `revision` it was read at, `tier`, `history` entry and
--         `moved` event of a changed tier, `gone`: fields to take away; where one is opened: `review`, see account_record.lua;
--         where a pause began or ended: `pause`: the `entry` of the history, and the `event` with its `type`
--         2 event   3 decision   then fields of the account and values, then what is given there of a review
-- returns {} for an unknown account, {'again'} when it changed, else {label, tier, entities, revision, established, tier before}
-- TTL     account, history and review: `ttl`; stream: trimmed by age; index: entries leave it with their review
--+ reviews
--+ tiers
local call, given = redis.call, cjson.decode(ARGV[1])
local account = call('HMGET', KEYS[1], 'tier', 'revision', 'again', 'label', 'entities', 'established')
local before, revision = account[1], account[2] or '0'
if not before then return {} end
-- A lost connection has this run twice; what stands there is then this very decision.
if account[3] == ARGV[3] then return {account[4] or '', before, account[5], revision, account[6] or '', before} end
if revision ~= given.revision then return {'again'} end
call('HSET', KEYS[1], 'again', ARGV[3], unpack(ARGV, 4, given.review and given.review.first - 1 or #ARGV))
for _, name in ipairs(given.gone) do call('HDEL', KEYS[1], name) end
call('XADD', KEYS[3], 'MINID', '~', given.oldest, '*', 'type', 'decision', 'data', ARGV[2], 'decision', ARGV[3])
if before ~= given.tier then
  revision = call('HINCRBY', KEYS[1], 'revision', 1)
  set_tier({account = KEYS[1], history = KEYS[2], stream = KEYS[3]}, before, given.tier, given.oldest, given.history, given.moved)
end
if given.pause then
  if before == given.tier then revision = call('HINCRBY', KEYS[1], 'revision', 1) end
  call('RPUSH', KEYS[2], given.pause.entry)
  call('XADD', KEYS[3], 'MINID', '~', given.oldest, '*', 'type', given.pause.type, 'data', given.pause.event)
end
if given.review then
  open_review(KEYS[4], KEYS[5], given)
  call('XADD', KEYS[3], 'MINID', '~', given.oldest, '*', 'type', 'review', 'data', ARGV[given.review.first])
end
call('EXPIRE', KEYS[1], given.ttl)
call('EXPIRE', KEYS[2], given.ttl)
return {account[4] or '', given.tier, account[5], revision, call('HGET', KEYS[1], 'established') or '', before}
