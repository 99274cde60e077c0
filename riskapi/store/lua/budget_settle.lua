-- Count recipients that were granted while the store was away, once a reservation. What was sent was sent: no cap applies.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none)   3 reservation
-- ARGV    1 now, or '' for the store's clock   2 recipients   3 cluster expected, or ''   4 user_id   5 TTL of a reservation
--         6 TTL of budgets
-- returns {'again'} when the cluster changed since it was read, else {'settled'}
-- TTL     ARGV[5] and ARGV[6]
--+ spends
local call = redis.call
if call('EXISTS', KEYS[3]) == 1 then return {'settled'} end
local now, count = clock(ARGV[1]), tonumber(ARGV[2])
local account = call('HMGET', KEYS[1], 'cluster', 'spends')
if (account[1] or '') ~= ARGV[3] then return {'again'} end
-- Counted as sent now, which is later than it was: the safe side.
local function count_in(key, packed)
  local log = spends_at(packed, now)
  local start = floor(log[1] / GRAIN[1]) * GRAIN[1]
  add(log, start, count)
  call('HSET', key, 'spends', cmsgpack.pack(log))
  call('EXPIRE', key, ARGV[6])
  return start
end
local start = count_in(KEYS[1], account[2])
if ARGV[3] ~= '' then count_in(KEYS[2], call('HGET', KEYS[2], 'spends')) end
call('HSETNX', KEYS[1], 'first', now)
call('HSET', KEYS[3], 'request', '', 'user', ARGV[4], 'start', start, 'granted', count, 'released', 0)
call('EXPIRE', KEYS[3], ARGV[5])
return {'settled'}
