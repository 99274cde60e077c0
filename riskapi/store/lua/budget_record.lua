-- Record recipients that were granted while the store was away, once a reservation. What was sent was sent: no cap applies.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none)   3 reservation
--         4 what is remembered under the caller's Idempotency-Key (or the reservation again where none was sent)
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "granted", "cluster" (the one expected, or ""), "user_id", "reserved",
--         "kept", "remembered" (TTL of the reservation, of budgets, of the Idempotency-Key), "request" (its digest), "answer"
--         (what was answered, as budget_grant.lua returns it)}
-- returns {'again'} when the cluster changed since it was read, else {'recorded'}
-- TTL     as ARGV[1] says
--+ spends
local call, grant = redis.call, cjson.decode(ARGV[1])
local known = call('HMGET', KEYS[3], 'granted', 'request', 'start', 'released')
if known[1] and not known[2] then return {'recorded'} end
local now, count = clock(grant.now), grant.granted
local account = call('HMGET', KEYS[1], 'cluster', 'spends')
if (account[1] or '') ~= grant.cluster then return {'again'} end
-- Whoever was killed before it told of this grant may have had it asked for again, of another host: both are one request, and
-- count once.
local repeated = KEYS[4] ~= KEYS[3] and not known[1] and call('HMGET', KEYS[4], 'request', 'answer')
if repeated and repeated[1] == grant.request then count = math.max(count - cjson.decode(repeated[2]).granted, 0) end
-- Counted as sent now, which is later than it was: the safe side. What the store granted itself under this reservation,
-- just before it went away, nobody was told: it makes room for what they were told.
local ours = grant.cluster ~= '' and spends_at(call('HGET', KEYS[2], 'spends'), now)
local own = spends_at(account[2], ours and ours[1] or now)
local start = floor(own[1] / GRAIN[1]) * GRAIN[1]
local function count_in(key, log)
  if known[1] then take_back(log, tonumber(known[3]), known[1] - known[4]) end
  add(log, start, count)
  call('HSET', key, 'spends', packed_spends(log))
  call('EXPIRE', key, grant.kept)
end
count_in(KEYS[1], own)
if ours then count_in(KEYS[2], ours) end
call('HDEL', KEYS[3], 'request', 'answer')
call('HSETNX', KEYS[1], 'first', now)
call('HSET', KEYS[3], 'user', grant.user_id, 'start', start, 'granted', count, 'released', 0)
call('EXPIRE', KEYS[3], grant.reserved)
-- A request that is repeated gets the answer it got then.
if KEYS[4] ~= KEYS[3] and (known[1] or call('EXISTS', KEYS[4]) == 0) then
  call('HSET', KEYS[4], 'request', grant.request, 'answer', grant.answer)
  call('EXPIRE', KEYS[4], grant.remembered)
end
return {'recorded'}
