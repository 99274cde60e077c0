-- Write down an account that nobody knew, with what was decided of it, its review and the events about both, once.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 agenda of the shard   5 review hash   6 index of open reviews
-- ARGV    1 JSON: `ttl` of the account in seconds, `oldest` stream id kept, `type` of the event, `user_id`; where there is one: `due`,
--         when it is decided again; `history` entry that the first answer does not say; `moved`, the event of a tier that is another
--         than was answered; `review`: its `place` in the index, and the `first` of ARGV that is of it   2 event   of the account:
--         3 `assessment`   4 `mail`   5 `at`   6 `entities`   7 `own`   then its other fields and values, then, of the review, its
--         event, `id`, `opened_at`, `risk_score`, and its other fields and values
-- returns {1} when written, also by this very call before (the connection was lost on the way back: the id in the first answer is
--         random), else {0, mail key, first answer, entities} of the account that is there already
-- TTL     account, history and review: `ttl`; stream: trimmed by age; index: entries leave it with their review; agenda: see
--         agenda_done.lua
--+ reviews
local call, given = redis.call, cjson.decode(ARGV[1])
local event, assessment, mail, at, entities, own = unpack(ARGV, 2, 7)
if call('HEXISTS', KEYS[1], 'tier') == 1 then
  local known = call('HMGET', KEYS[1], 'mail', 'assessment', 'entities')
  if assessment == known[2] then return {1} end
  return {0, known[1], known[2], known[3]}
end
local function tell(type, data) call('XADD', KEYS[3], 'MINID', '~', given.oldest, '*', 'type', type, 'data', data) end
call('HSET', KEYS[1], 'assessment', assessment, 'mail', mail, 'at', at, 'entities', entities, 'own', own,
  unpack(ARGV, 8, given.review and given.review.first - 1 or #ARGV))
call('EXPIRE', KEYS[1], given.ttl)
if given.history then
  call('RPUSH', KEYS[2], given.history)
  call('EXPIRE', KEYS[2], given.ttl)
end
tell(given.type, event)
if given.moved then tell('tier', given.moved) end
if given.due then call('ZADD', KEYS[4], 'NX', given.due, given.user_id) end
if given.review then open_review(KEYS[5], KEYS[6], given) tell('review', ARGV[given.review.first]) end
return {1}
