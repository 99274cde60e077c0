-- Decide an account as a reviewer said, once for each decision, and close a review of it. Where several wait, each is closed by a call
-- of its own; whichever comes first decides the account.
--
-- What the account was before is kept in its field `d:<decision>`: tier, label, own, what the decision made of them (`to`, `said`),
-- what the label meant for others (`spread`), the pause that an `allow` ends (`paused`, `paused_until`), and the decision before it
-- (`prev`). `decided` is the decision that stands: since then no label was given, and nothing was decided by a person.
--
-- KEYS    1 account hash   2 history list   3 labels list   4 decisions stream, and where the account has a review   5 review hash
--         6 index of open   7 of claimed   8 of escalated   9 of decided reviews
-- ARGV    1 JSON: `id` of the decision, `leads`: this review is decided (else it closes because its account is decided with another),
--         `holder` who decides, `now`, `claim`: seconds that holding a review lasts, `ttl` of the account in seconds, `oldest` stream id
--         kept, `tier`, `history` entry and `moved` event of the tier, each with "from":"?" for the tier before; where one is given:
--         `label`: its `name`, `row` and `event`; where it has one: `review`: the `event` about it, its `place` in the index of decided ones
--         then fields and values to set on the review
-- returns {'decided', label, tier, entities, revision, established, tier before}; {'decided'} for an account that is not there;
--         {'undone'} where the decision was undone by now; {'refused', status, holder} for a review that is unknown, decided, or held
--         by another reviewer; one that closes with another's decision is left as it is then, for good (`left`)
-- TTL     the review keeps its own; account, history and labels: `ttl`; stream: trimmed by age
--+ reviews
--+ tiers
local call, given = redis.call, cjson.decode(ARGV[1])
local id, said = given.id, given.label
local function tell(kind, event) call('XADD', KEYS[4], 'MINID', '~', given.oldest, '*', 'type', kind, 'data', event) end
local account = call('HMGET', KEYS[1], 'tier', 'label', 'own', 'decided', 'd:' .. id, 'entities', 'established', 'revision', 'spread',
  'paused', 'paused_until')
local before, record = account[1], account[5]
if record and string.sub(record, 1, 1) ~= '{' then return {'undone'} end
local stood = KEYS[5] and call('HMGET', KEYS[5], 'status', 'decision_id', 'u:' .. id, 'left')
if stood and stood[3] then return {'undone'} end
if stood and stood[4] ~= id and not (stood[1] == 'decided' and stood[2] == id) then
  local bar = barred(KEYS[5], given.holder, tonumber(given.now), given.claim)
  if bar and given.leads then return {'refused', bar[1], bar[2]} end
  if bar and bar[2] ~= '' and bar[1] ~= 'decided' then call('HSET', KEYS[5], 'left', id) end
  if not bar and (given.leads or before) then
    move(KEYS[5], {open = KEYS[6], claimed = KEYS[7], escalated = KEYS[8], decided = KEYS[9]}, 'decided', given.review.place)
    call('HSET', KEYS[5], 'decision_id', id, unpack(ARGV, 2))
    tell('review', given.review.event)
  end
end
if not before then return {'decided'} end
local label, tier, revision = account[2] or '', given.tier, account[8] or 0
if record then
  local sound, kept = pcall(cjson.decode, record)
  return {'decided', label, before, account[6], revision, account[7] or '', sound and kept.tier or before}
end

local kept = {tier = before, label = label, own = account[3] or '', to = tier, said = said and said.name or '', prev = account[4] or ''}
if account[9] then kept.spread = account[9] end
if tier == 'allow' and account[10] then
  kept.paused, kept.paused_until = account[10], account[11] or ''
  call('HDEL', KEYS[1], 'paused', 'paused_until')
end
call('HSET', KEYS[1], 'own', tier, 'decided', id, 'd:' .. id, cjson.encode(kept))
if said then
  label = said.name
  call('HSET', KEYS[1], 'label', label)
  call('HDEL', KEYS[1], 'spread')
  call('RPUSH', KEYS[3], said.row)
  tell('label', said.event)
end
set_tier({account = KEYS[1], history = KEYS[2], stream = KEYS[4]}, before, tier, given.oldest, given.history, given.moved)
revision = call('HINCRBY', KEYS[1], 'revision', 1)
for at = 1, 3 do call('EXPIRE', KEYS[at], given.ttl) end
return {'decided', label, tier, account[6], revision, account[7] or '', before}
