-- Decide an account as a reviewer said, once for each decision, and close its review.
--
-- What the account was before is kept in its field `d:<decision>`: tier, label, own, what the decision made of them (`to`, `said`), what
-- the label meant for others (`spread`), the pause that an `allow` ends (`paused`, `paused_until`), and the decision before it (`prev`). `decided` is the decision that stands: no label was given and nothing was decided by a person since.
--
-- KEYS    1 account hash   2 history list   3 labels list   4 decisions stream, and where the account has a review   5 review hash
--         6 index of open   7 of claimed   8 of escalated   9 of decided reviews
-- ARGV    1 id of the decision   2 1: this review is decided, 0: it closes because its account is decided with another
--         3 reviewer   4 now   5 seconds a claim holds   6 TTL of the account, seconds   7 oldest stream id kept
--         8 tier   9 label or '' for none   10 label entry   11 event of the label   12 history entry and
--         13 event of the tier, each with "from":"?" for the tier before   14 event of the review
--         15 its place in the index of decided reviews, then fields and values to set on the review
-- returns {'decided', label, tier, entities, revision, established, tier before}; {'decided'} for an account that is not there;
--         {'undone'} where the decision was undone by now; {'refused', status, holder} for a review that is unknown, decided, or held
--         by another reviewer; one that closes with another's decision is left as it is then
-- TTL     the review keeps its own; account, history and labels: ARGV[6]; stream: trimmed by age
--+ reviews
--+ tiers
local call, id, leads = redis.call, ARGV[1], ARGV[2] == '1'
local function tell(kind, event) call('XADD', KEYS[4], 'MINID', '~', ARGV[7], '*', 'type', kind, 'data', event) end
local account = call('HMGET', KEYS[1], 'tier', 'label', 'own', 'decided', 'd:' .. id, 'entities', 'established', 'revision', 'spread',
  'paused', 'paused_until')
local before, record = account[1], account[5]
if record and string.sub(record, 1, 1) ~= '{' then return {'undone'} end
local stood = KEYS[5] and call('HMGET', KEYS[5], 'status', 'decision_id', 'u:' .. id)
if stood and stood[3] then return {'undone'} end
if stood and not (stood[1] == 'decided' and stood[2] == id) then
  local bar = barred(KEYS[5], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
  if bar and leads then return {'refused', bar[1], bar[2]} end
  if not bar and (leads or (before and not record)) then
    move(KEYS[5], {open = KEYS[6], claimed = KEYS[7], escalated = KEYS[8], decided = KEYS[9]}, 'decided', ARGV[15])
    call('HSET', KEYS[5], 'decision_id', id, unpack(ARGV, 16))
    tell('review', ARGV[14])
  end
end
if not before then return {'decided'} end
local label, tier, revision = account[2] or '', ARGV[8], account[8] or 0
if record then
  local sound, kept = pcall(cjson.decode, record)
  return {'decided', label, before, account[6], revision, account[7] or '', sound and kept.tier or before}
end

local kept = {tier = before, label = label, own = account[3] or '', to = tier, said = ARGV[9], prev = account[4] or ''}
if account[9] then kept.spread = account[9] end
if tier == 'allow' and account[10] then
  kept.paused, kept.paused_until = account[10], account[11] or ''
  call('HDEL', KEYS[1], 'paused', 'paused_until')
end
call('HSET', KEYS[1], 'own', tier, 'decided', id, 'd:' .. id, cjson.encode(kept))
if ARGV[9] ~= '' then
  label = ARGV[9]
  call('HSET', KEYS[1], 'label', label)
  call('HDEL', KEYS[1], 'spread')
  call('RPUSH', KEYS[3], ARGV[10])
  tell('label', ARGV[11])
end
set_tier({account = KEYS[1], history = KEYS[2], stream = KEYS[4]}, before, tier, ARGV[7], ARGV[12], ARGV[13])
revision = call('HINCRBY', KEYS[1], 'revision', 1)
for at = 1, 3 do call('EXPIRE', KEYS[at], ARGV[6]) end
return {'decided', label, tier, account[6], revision, account[7] or '', before}
