-- Give back recipients that were granted and not written to, each at most once.
--
-- KEYS    1 reservation   2 budget of its account   3 its cluster (or the budget again where it has none)
-- ARGV    1 now, or '' for the store's clock   2 recipients   3 cluster expected, or ''   4 id of this release   5 TTL of budgets
-- returns {'again'} when the cluster changed since it was read, {'unknown'}, {'too_many', recipients that can be released},
--         or {'released', spent by the account (3), by the cluster (3)}; the same release id again gives back nothing more
-- TTL     ARGV[5]; the reservation keeps its own
--+ spends
local call = redis.call
local reservation = call('HMGET', KEYS[1], 'granted', 'released', 'start', 'release:' .. ARGV[4])
if not reservation[1] then return {'unknown'} end
local now, count = clock(ARGV[1]), tonumber(ARGV[2])
local account = call('HMGET', KEYS[2], 'cluster', 'spends')
local clustered = ARGV[3] ~= ''
if (account[1] or '') ~= ARGV[3] then return {'again'} end
local ours = clustered and spends_at(call('HGET', KEYS[3], 'spends'), now) or {now}
local own = spends_at(account[2], ours[1])
if not reservation[4] then
  local left = reservation[1] - reservation[2]
  if count > left then return {'too_many', left} end
  local start = tonumber(reservation[3])
  take_back(own, start, count)
  call('HSET', KEYS[2], 'spends', packed_spends(own))
  call('EXPIRE', KEYS[2], ARGV[5])
  if clustered then
    take_back(ours, start, count)
    call('HSET', KEYS[3], 'spends', packed_spends(ours))
    call('EXPIRE', KEYS[3], ARGV[5])
  end
  call('HINCRBY', KEYS[1], 'released', count)
  call('HSET', KEYS[1], 'release:' .. ARGV[4], count)
end
local mine, theirs = spent_in(own), spent_in(ours)
return {'released', mine[1], mine[2], mine[3], theirs[1], theirs[2], theirs[3]}
