-- What an account and its cluster have spent, as riskapi/budgets/spends.py reads it. Needs `spends`.
--
-- `cluster` and `members` are the keys of its cluster, nil where it has none, or that is not asked for. Returns
-- {JSON, {day, recipients, …}}: days since 1970 in UTC, rising, the last 30; and {"cluster" (or ""), "revision", "first" (spend,
-- or ""), "hold" (or ""), "hold_until", "hold_off", "spent" and "cluster_spent" (of the hour, day and month), "now", "usual" (the
-- most in any day's window that ended before the one up to now), "size", "abusive", "claims"}; the last three of the cluster: how
-- many accounts it has (1 for none), how many others are labelled abusive, and how many things bind it that somebody else holds.
-- Times are texts, so that nothing is rounded.
local function usage(budget, cluster, members, now)
  local found = redis.call('HMGET', budget, 'cluster', 'revision', 'first', 'hold', 'hold_until', 'hold_off', 'spends', 'bad')
  local told = cluster and redis.call('HMGET', cluster, 'spends', 'bad', 'claims')
  local ours = cluster and spends_at(told[1], now) or {now}
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
    size = math.max(redis.call('SCARD', members), 1)
    bad = tonumber(told[2] or 0) - (found[8] and 1 or 0)
    claims = tonumber(told[3] or 0)
  end
  return {cjson.encode({
    cluster = found[1] or '', revision = tonumber(found[2] or 0), first = found[3] or '', hold = found[4] or '',
    hold_until = found[5] or '0', hold_off = found[6] or '0', spent = sums, cluster_spent = theirs,
    now = string.format('%.17g', now), usual = usual, size = size, abusive = math.max(bad, 0), claims = claims,
  }), days}
end
