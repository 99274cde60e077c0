-- Count recipients that were granted while the store was away, once a reservation. What was sent was sent: no cap applies.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none)   3 reservation
--         4 what is remembered under the caller's Idempotency-Key (or the reservation again where none was sent)
-- ARGV    1 now, or '' for the store's clock   2 recipients   3 cluster expected, or ''   4 user_id   5 TTL of a reservation
--         6 TTL of budgets   7 TTL of a remembered key   8 digest of the request   9 reservation id   10 recipients denied
--         11 what was said to remain   12 tier that was answered
-- returns {'again'} when the cluster changed since it was read, else {'settled'}
-- TTL     ARGV[5] and ARGV[6]
--+ spends
local call = redis.call
local known = call('HMGET', KEYS[3], 'granted', 'request', 'start', 'released')
if known[1] and not known[2] then return {'settled'} end
local now, count = clock(ARGV[1]), tonumber(ARGV[2])
local account = call('HMGET', KEYS[1], 'cluster', 'spends')
if (account[1] or '') ~= ARGV[3] then return {'again'} end
-- Counted as sent now, which is later than it was: the safe side. What the store granted itself under this reservation,
-- just before it went away, nobody was told: it makes room for what they were told.
local ours = ARGV[3] ~= '' and spends_at(call('HGET', KEYS[2], 'spends'), now)
local own = spends_at(account[2], ours and ours[1] or now)
local start = floor(own[1] / GRAIN[1]) * GRAIN[1]
local function count_in(key, log)
  if known[1] then take_back(log, tonumber(known[3]), known[1] - known[4]) end
  add(log, start, count)
  call('HSET', key, 'spends', packed_spends(log))
  call('EXPIRE', key, ARGV[6])
end
count_in(KEYS[1], own)
if ours then count_in(KEYS[2], ours) end
call('HDEL', KEYS[3], 'request', 'answer')
call('HSETNX', KEYS[1], 'first', now)
call('HSET', KEYS[3], 'user', ARGV[4], 'start', start, 'granted', count, 'released', 0)
call('EXPIRE', KEYS[3], ARGV[5])
-- A request that is repeated gets the answer it got then, as budget_grant.lua would have kept it; without the largest
-- grant, which nobody knew.
if KEYS[4] ~= KEYS[3] and (known[1] or call('EXISTS', KEYS[4]) == 0) then
  local left = tonumber(ARGV[11])
  call('HSET', KEYS[4], 'request', ARGV[8], 'answer', cmsgpack.pack({
    'granted', ARGV[9], count, tonumber(ARGV[10]) > 0 and 8 or 0, -1, left, left, left, -1, -1, -1, 0, 0, 0, tostring(now), ARGV[12],
  }))
  call('EXPIRE', KEYS[4], ARGV[7])
end
return {'settled'}
