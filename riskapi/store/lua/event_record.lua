-- Record an event of an account; a login also notes where it came from, and when that was nowhere known. A change of
-- plan moves the plan, and a plan or a payment can make the account an established customer.
--
-- KEYS    1 account hash   2 history list   3 labels list   4 known places, see riskapi/decisions/events.py   5 decisions stream
--         6 the event's own key
-- ARGV    1 TTL of the account, seconds   2 time of the event   3 event   4 oldest stream id kept
--         5 TTL of the event's key, seconds   6 most places kept   7 type to count it under or ''   8 its count or ''
--         9 sender domain that was authenticated or ''   10 plan that was told: '' for none, else '=' and its name, '='
--         alone for one that no policy can name   11 'plan' or 'payment', which makes it an established customer, or ''
--         then the places of a login, network and AS: of each its HMAC, and the 12 bytes of that
-- returns {tier}, or {} for an unknown account
-- TTL     account, history, labels and places: ARGV[1]; the event's key: ARGV[5]
local account = redis.call('HMGET', KEYS[1], 'tier', 'entities', 'moved_at')
if not account[1] then return {} end
if not redis.call('SET', KEYS[6], '', 'NX', 'EX', ARGV[5]) then return {account[1]} end

if ARGV[7] ~= '' then
  -- Fields of the account, see riskapi/accounts/activity.py. Events may arrive out of order.
  local function keep(name, value, better)
    local before = redis.call('HGET', KEYS[1], name)
    if not before or better(tonumber(value), tonumber(before)) then redis.call('HSET', KEYS[1], name, value) end
  end
  local function earlier(new, old) return new < old end
  local function later(new, old) return new > old end
  redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[7], 1)
  keep('f:' .. ARGV[7], ARGV[2], earlier)
  keep('l:' .. ARGV[7], ARGV[2], later)
  if ARGV[8] ~= '' then keep('m:' .. ARGV[7], ARGV[8], later) end
end
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'sender_domain', ARGV[9]) end

-- What was told last of the plan holds, in whatever order it arrives. A plan stops making the account an established
-- customer when it goes; what a payment, or anything else, made of it stays.
local terms = redis.call('HMGET', KEYS[1], 'plan', 'plan_at', 'established', 'established_by')
local plan, by, moved = ARGV[10] ~= '' and string.sub(ARGV[10], 2), ARGV[11], false
if plan and tonumber(ARGV[2]) < tonumber(terms[2] or '-inf') then plan, by = false, '' end
local function set(...) redis.call('HSET', KEYS[1], ...) end
if plan then
  moved = plan ~= (terms[1] or '')
  set('plan_at', ARGV[2])
  if plan == '' then redis.call('HDEL', KEYS[1], 'plan') else set('plan', plan) end
end
if by ~= '' and not terms[3] then
  set('established', ARGV[2], 'established_by', by)
  moved = true
elseif by == 'payment' and terms[4] == 'plan' then
  set('established_by', by)
elseif plan and by == '' and terms[4] == 'plan' then
  redis.call('HDEL', KEYS[1], 'established', 'established_by')
  moved = true
end
if moved then redis.call('HINCRBY', KEYS[1], 'revision', 1) end

if ARGV[12] then
  -- The places of the signup are kept in its entities, under the same HMACs.
  local entities, known = account[2] or '', false
  local letters = string.match(entities, '^(%Z*)%z')
  -- Until 2026-11-27 the field was text or JSON, and the HMACs in it were text.
  local words = letters and string.gsub(letters, ':[^ ]+ ', '') or ' ' .. entities
  local anywhere = string.find(words, letters and '[na]' or ' [na]') or string.find(words, '"network":"', 1, true)
    or string.find(words, '"asn":"', 1, true) or redis.call('EXISTS', KEYS[4]) == 1
  for at = 12, #ARGV, 2 do
    local before = tonumber(redis.call('ZSCORE', KEYS[4], ARGV[at]) or nil)
    known = known or before or string.find(entities, ARGV[at], 1, true) or string.find(entities, ARGV[at + 1], 1, true)
    if not before or tonumber(ARGV[2]) > before then redis.call('ZADD', KEYS[4], ARGV[2], ARGV[at]) end
  end
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - ARGV[6])
  local later = not account[3] or tonumber(ARGV[2]) > tonumber(account[3])
  if anywhere and not known and later then redis.call('HSET', KEYS[1], 'moved_at', ARGV[2]) end
end
redis.call('XADD', KEYS[5], 'MINID', '~', ARGV[4], '*', 'type', 'event', 'data', ARGV[3])
for at = 1, 4 do redis.call('EXPIRE', KEYS[at], ARGV[1]) end
return {account[1]}
