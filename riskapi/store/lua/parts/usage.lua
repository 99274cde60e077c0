-- What an account and its cluster have spent, as riskapi/budgets/spends.py reads it. Needs `spends`.
--
-- `cluster` and `members` are the keys of its cluster, nil where it has none, or that is not asked for. Returns
--   {cluster id or '', revision, first spend or '', hold or '', hold until, hold off until, spent by the account (3), by the
--   cluster (3), now, {day, recipients, …}, usual, size, abusive, claims}
-- days as days since 1970 in UTC, rising, the last 30; usual: the most in any day's window that ended before the one up to
-- now; and of the cluster: how many accounts it has (1 for none), how many others are labelled abusive, and how many things
-- bind it that somebody else holds.
local function usage(budget, cluster, members, now)
  local found = redis.call('HMGET', budget, 'cluster', 'revision', 'first', 'hold', 'hold_until', 'hold_off', 'spends')
  local ours = cluster and spends_at(redis.call('HGET', cluster, 'spends'), now) or {now}
  local own = spends_at(found[7], ours[1])
  local sums, theirs = spent_in(own), spent_in(ours)
  local days = {}
  for i = 2, #own, 2 do
    local day, size = floor(own[i] / 86400), #days
    if days[size - 1] == day then
      days[size] = days[size] + own[i + 1]
    else
      days[size + 1], days[size + 2] = day, own[i + 1]
    end
  end
  local usual, sum, from = 0, 0, 2
  for i = 2, #own, 2 do
    if leaves(own[i], 2) > own[1] then break end
    sum = sum + own[i + 1]
    while leaves(own[from], 2) <= own[i] do
      sum, from = sum - own[from + 1], from + 2
    end
    usual = math.max(usual, sum)
  end
  local size, bad, claims = 1, 0, 0
  if cluster then
    local told = redis.call('HMGET', cluster, 'bad', 'claims')
    size = math.max(redis.call('SCARD', members), 1)
    bad = tonumber(told[1] or 0) - redis.call('HEXISTS', budget, 'bad')
    claims = tonumber(told[2] or 0)
  end
  return {
    found[1] or '', tonumber(found[2] or 0), found[3] or '', found[4] or '', found[5] or '0', found[6] or '0',
    sums[1], sums[2], sums[3], theirs[1], theirs[2], theirs[3], string.format('%.17g', now), days, usual,
    size, math.max(bad, 0), claims,
  }
end
