-- Write down what an account bears because of what the mail of others met, with what that makes of it at once; unless it changed since
-- it was read. It is decided again soon: what bound it to them may have ended meanwhile. The tier that it has by itself is given.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 agenda and   5 causes of the shard
--         6 its accounts with linked restrictions
-- ARGV    1 JSON: `ttl` of the account in seconds, `oldest` stream id kept, `user_id`, `revision` it was read at, `tier`, `own`,
--         `restrictions`: the field, `history` entry and `moved` event of the tier, each with "from":"?" for the tier before, `told`: the
--         entry is written though the tier stays, `due`: when it is decided again, and `again`: when once more; where its pause is another:
--         `pause`: `row` and `until`, and `event` where it begins, and `paused_own`: a pause of its own that is over before
-- returns {} for an unknown account, {'again'} when it changed, else {label, tier, entities, revision, established, tier before}
-- TTL     account and history: `ttl`; stream: trimmed by age; agenda: see agenda_done.lua; 6: none, accounts leave it when they
--         are erased, or gone
--+ tiers
--+ agenda
local call, given = redis.call, cjson.decode(ARGV[1])
local known = call('HMGET', KEYS[1], 'tier', 'revision')
local before = known[1]
if not before then return {} end
if (known[2] or '0') ~= given.revision then return {'again'} end
call('HSET', KEYS[1], 'restrictions', given.restrictions, 'own', given.own)
local pause = given.pause
if pause then
  call('HSET', KEYS[1], 'paused', pause.row, 'paused_until', pause['until'])
  if given.paused_own then call('HSET', KEYS[1], 'paused_own', given.paused_own) else call('HDEL', KEYS[1], 'paused_own') end
  if pause.event then call('XADD', KEYS[3], 'MINID', '~', given.oldest, '*', 'type', 'pause', 'data', pause.event) end
end
if before ~= given.tier then
  set_tier({account = KEYS[1], history = KEYS[2], stream = KEYS[3]}, before, given.tier, given.oldest, given.history, given.moved)
elseif given.told then
  call('RPUSH', KEYS[2], filled(filled(given.history, 'from', before), 'to', before))
end
add_due(KEYS[4], KEYS[5], given.user_id, given.due, 'linkage')
call('ZADD', KEYS[6], given.again, given.user_id)
local revision = call('HINCRBY', KEYS[1], 'revision', 1)
call('EXPIRE', KEYS[1], given.ttl)
call('EXPIRE', KEYS[2], given.ttl)
local account = call('HMGET', KEYS[1], 'label', 'entities', 'established')
return {account[1] or '', given.tier, account[2], revision, account[3] or '', before}
