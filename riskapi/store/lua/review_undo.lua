-- Give an account back what it was before a reviewer's decision, once, unless a person decided it or labelled it again since; and
-- open its review again: escalated where it was handed on. A pause that the decision ended goes on, unless there is another.
-- See review_decide.lua for what is kept of a decision. A decision that is undone is never carried out any more.
--
-- KEYS    1 account hash   2 history list   3 labels list   4 decisions stream, and where the account has a review   5 review hash
--         6 index of open   7 of decided   8 of escalated reviews
-- ARGV    1 JSON: `id` of the decision, `leads`: this review was decided (else it was closed because its account was decided with
--         another), `ttl` of the account in seconds, `oldest` stream id kept, `label`: its `row` and `event`, each with "label":"?",
--         `history` entry and `moved` event of the tier, each with "from":"?" and "to":"?", `review`: the `event` about it,
--         `mark`: who undid it, when and why, which tells one undo from another
-- returns {state, label, tier, entities, revision, established, tier before}, state: 'given_back', 'tier_moved' (label given
--         back; the tier is not the one decided any more, and stays), 'decided_since' (nothing given back but a label that
--         nobody replaced), 'untouched' (it was never decided);
--         {'gone'} for an account that is not there; {'refused'} where the review is not decided so, or undone by another
-- TTL     the review keeps its own; account, history and labels: `ttl`; stream: trimmed by age
--+ reviews
--+ tiers
local call, given = redis.call, cjson.decode(ARGV[1])
local id = given.id
local mine = 'd:' .. id
local function tell(kind, event) call('XADD', KEYS[4], 'MINID', '~', given.oldest, '*', 'type', kind, 'data', event) end
-- Set a field of the account; '' takes it away.
local function put(name, value) if value == '' then call('HDEL', KEYS[1], name) else call('HSET', KEYS[1], name, value) end end

local review = KEYS[5] and call('HMGET', KEYS[5], 'status', 'decision_id', 'opened_at', 'id', 'u:' .. id, 'escalated_by') or {}
local closed = review[1] == 'decided' and review[2] == id
if given.leads and not closed and review[5] ~= given.mark then return {'refused'} end
if closed then
  local place = string.format('%019.6f:%s', math.max(tonumber(review[3]), 0), review[4])
  local status = (review[6] or '') ~= '' and 'escalated' or 'open'
  move(KEYS[5], {open = KEYS[6], decided = KEYS[7], escalated = KEYS[8]}, status, place)
  call('HDEL', KEYS[5], 'decided_at', 'decided_by', 'decision', 'label', 'apply_to', 'reason', 'decision_id')
  call('HSET', KEYS[5], 'reviewer', '', 'claimed_at', 0, 'undone_id', id, 'u:' .. id, given.mark)
  tell('review', given.review.event)
end

local account = call('HMGET', KEYS[1], 'tier', 'label', 'own', 'decided', mine, 'entities', 'established', 'revision', 'paused')
local tier, label, record, revision = account[1], account[2] or '', account[5], account[8] or 0
if not tier then return {'gone'} end
local function standing(state, before)
  return {state, label, tier, account[6], revision, account[7] or '', before}
end
if record and string.sub(record, 1, 1) ~= '{' then
  local state, before = string.match(record, '^([^|]+)|(.*)$')
  return standing(state, before)
end
local before, state = tier, 'untouched'
local sound, kept = pcall(cjson.decode, record or '')
if not sound or type(kept) ~= 'table' then kept = nil end -- damaged: there is nothing to give back

-- Give back the label that the account had before this decision, where the label of this decision still stands.
local function give_label_back()
  if kept.said == '' or label ~= kept.said or label == kept.label then return end
  label = kept.label
  put('label', label)
  put('spread', label == 'abuse' and kept.spread or '')
  local word = label == '' and 'unknown' or label
  call('RPUSH', KEYS[3], filled(given.label.row, 'label', word))
  tell('label', filled(given.label.event, 'label', word))
end

-- Let the pause go on that this decision ended.
local function give_pause_back()
  if not kept.paused or account[9] then return end
  call('HSET', KEYS[1], 'paused', kept.paused, 'paused_until', kept.paused_until)
  local whole, event = pcall(cjson.decode, kept.paused)
  if not whole or type(event) ~= 'table' then return end
  event.user_id = cjson.decode(given.label.event).user_id
  tell('pause', cjson.encode(event))
end

-- The decisions about the account since this one, the latest first; nil where a label lies between.
local function decided_since()
  local later, at = {}, account[4] or ''
  while at ~= '' do
    local text = call('HGET', KEYS[1], 'd:' .. at) or ''
    if string.sub(text, 1, 1) ~= '{' then return nil end
    local whole, other = pcall(cjson.decode, text)
    if not whole then return nil end
    later[#later + 1] = {id = at, kept = other}
    at = later[#later].kept.prev
    if at == id then return later end
  end
end

if kept and account[4] == id then
  state = 'given_back'
  put('decided', kept.prev)
  if account[3] == kept.to then put('own', kept.own) end
  give_label_back()
  give_pause_back()
  if tier ~= kept.to then
    state = 'tier_moved'
  elseif tier ~= kept.tier then
    tier = kept.tier
    set_tier({account = KEYS[1], history = KEYS[2], stream = KEYS[4]}, before, tier, given.oldest, given.history, given.moved)
  end
elseif kept then
  state = 'decided_since'
  -- Those since go back, when they are undone too, to what was before this one.
  local later = decided_since() or {}
  local silent = #later > 0
  for at = #later, 1, -1 do
    local each = later[at].kept
    if at == #later then
      each.prev = kept.prev
      if each.tier == kept.to then each.tier = kept.tier end
      if each.own == kept.to then each.own = kept.own end
      if kept.paused and not each.paused and each.to == 'allow' then each.paused, each.paused_until = kept.paused, kept.paused_until end
    end
    if silent and kept.said ~= '' and each.label == kept.said then each.label, each.spread = kept.label, kept.spread end
    silent = silent and each.said == ''
    call('HSET', KEYS[1], 'd:' .. later[at].id, cjson.encode(each))
  end
  if silent then give_label_back() end
end
if kept then revision = call('HINCRBY', KEYS[1], 'revision', 1) end
call('HSET', KEYS[1], mine, state .. '|' .. before)
for at = 1, 3 do call('EXPIRE', KEYS[at], given.ttl) end
return standing(state, before)
