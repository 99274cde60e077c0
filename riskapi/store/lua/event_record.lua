-- Record an event of an account; a login also notes where it came from, and when that was nowhere known. A change of
-- plan moves the plan, and a plan or a payment can make the account an established customer.
--
-- KEYS    1 account hash   2 history list   3 labels list   4 known places, see riskapi/decisions/events.py   5 decisions stream
--         6 the event's own key
-- ARGV    1 JSON: `ttl` of the account in seconds, `at`: time of the event, `event`, `oldest` stream id kept, `remembered`: seconds that
--         the event's key lasts, `places`: most places kept, `type` to count it under or '', its `count` or '', `domain`: sender
--         domain that was authenticated or '', `plan` that was told: '' for none, else '=' and its name, '=' alone for one that no
--         policy can name, `by`: 'plan' or 'payment', which makes it an established customer, or ''
--         then the places of a login, network and AS: of each its HMAC, and the 12 bytes of that
-- returns {tier}, or {} for an unknown account
-- TTL     account, history, labels and places: `ttl`; the event's key: `remembered`
local given = cjson.decode(ARGV[1])
local account = redis.call('HMGET', KEYS[1], 'tier', 'entities', 'moved_at')
if not account[1] then return {} end
if not redis.call('SET', KEYS[6], '', 'NX', 'EX', given.remembered) then return {account[1]} end

if given.type ~= '' then
  -- Fields of the account, see riskapi/accounts/activity.py. Events may arrive out of order.
  local function keep(name, value, better)
    local before = redis.call('HGET', KEYS[1], name)
    if not before or better(tonumber(value), tonumber(before)) then redis.call('HSET', KEYS[1], name, value) end
  end
  local function earlier(new, old) return new < old end
  local function later(new, old) return new > old end
  redis.call('HINCRBY', KEYS[1], 'n:' .. given.type, 1)
  keep('f:' .. given.type, given.at, earlier)
  keep('l:' .. given.type, given.at, later)
  if given.count ~= '' then keep('m:' .. given.type, given.count, later) end
end
if given.domain ~= '' then redis.call('HSET', KEYS[1], 'sender_domain', given.domain) end

-- What was told last of the plan holds, in whatever order it arrives. A plan stops making the account an established
-- customer when it goes; what a payment, or anything else, made of it stays.
local terms = redis.call('HMGET', KEYS[1], 'plan', 'plan_at', 'established', 'established_by')
local plan, by, moved = given.plan ~= '' and string.sub(given.plan, 2), given.by, false
if plan and tonumber(given.at) < tonumber(terms[2] or '-inf') then plan, by = false, '' end
local function set(...) redis.call('HSET', KEYS[1], ...) end
if plan then
  moved = plan ~= (terms[1] or '')
  set('plan_at', given.at)
  if plan == '' then redis.call('HDEL', KEYS[1], 'plan') else set('plan', plan) end
end
if by ~= '' and not terms[3] then
  set('established', given.at, 'established_by', by)
  moved = true
elseif by == 'payment' and terms[4] == 'plan' then
  set('established_by', by)
elseif plan and by == '' and terms[4] == 'plan' then
  redis.call('HDEL', KEYS[1], 'established', 'established_by')
  moved = true
end
if moved then redis.call('HINCRBY', KEYS[1], 'revision', 1) end

if ARGV[2] then
  -- The places of the signup are kept in its entities, under the same HMACs.
  local entities, known = account[2] or '', false
  local letters = string.match(entities, '^(%Z*)%z')
  -- Until 2026-11-27 the field was text or JSON, and the HMACs in it were text.
  local words = letters and string.gsub(letters, ':[^ ]+ ', '') or ' ' .. entities
  local anywhere = string.find(words, letters and '[na]' or ' [na]') or string.find(words, '"network":"', 1, true)
    or string.find(words, '"asn":"', 1, true) or redis.call('EXISTS', KEYS[4]) == 1
  for at = 2, #ARGV, 2 do
    local before = tonumber(redis.call('ZSCORE', KEYS[4], ARGV[at]) or nil)
    known = known or before or string.find(entities, ARGV[at], 1, true) or string.find(entities, ARGV[at + 1], 1, true)
    if not before or tonumber(given.at) > before then redis.call('ZADD', KEYS[4], given.at, ARGV[at]) end
  end
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - given.places)
  local later = not account[3] or tonumber(given.at) > tonumber(account[3])
  if anywhere and not known and later then redis.call('HSET', KEYS[1], 'moved_at', given.at) end
end
redis.call('XADD', KEYS[5], 'MINID', '~', given.oldest, '*', 'type', 'event', 'data', given.event)
for at = 1, 4 do redis.call('EXPIRE', KEYS[at], given.ttl) end
return {account[1]}
