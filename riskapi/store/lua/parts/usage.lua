-- What an account and its cluster have spent, as riskapi/budgets/budgets.py reads it. Needs `spends`.
--
-- `found` are the fields of its budget, {cluster, revision, first, hold, hold_until, spends, bad}; `cluster` is {log = its
-- spends as `spends_at` tells them, bad, claims, size} of its cluster, nil where it has none, or that is not asked for. Returns
-- {numbers, cluster (or ""), revision, first (spend, or ""), hold (or ""), hold_until, day, recipients, …}: days since
-- 1970 in UTC, rising, the last 30. Numbers have eight bytes each, so that nothing is rounded: now, what it spent in the hour, the
-- day and the month, what its cluster did, usual (the most in any day's window that ended before the one up to now), and of the
-- cluster how many accounts it has (1 for none), how many others are labelled abusive, and how many things bind it that somebody
-- else holds.
local function usage(found, cluster, now)
  local ours = cluster and cluster.log or {now}
  local own = spends_at(found.spends, ours[1])
  local sums, theirs = spent_in(own), spent_in(ours)
  local told = {
    '', found.cluster or '', found.revision or '0', found.first or '', found.hold or '', found.hold_until or '0',
  }
  local first = #told + 1
  for i = 2, #own, 2 do
    local day, size = floor(own[i] / 86400), #told
    if size > first and told[size - 1] == day then
      told[size] = told[size] + own[i + 1]
    else
      told[size + 1], told[size + 2] = day, own[i + 1]
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
    size = math.max(cluster.size, 1)
    bad = tonumber(cluster.bad or 0) - (found.bad and 1 or 0)
    claims = tonumber(cluster.claims or 0)
  end
  told[1] = struct.pack('<ddddddddddd', now, sums[1], sums[2], sums[3], theirs[1], theirs[2], theirs[3], usual, size,
    math.max(bad, 0), claims)
  return told
end

-- What was read of the cluster with these keys, as `usage` takes it.
local function cluster_at(cluster, members, now)
  local found = redis.call('HMGET', cluster, 'spends', 'bad', 'claims')
  return {log = spends_at(found[1], now), bad = found[2], claims = found[3], size = redis.call('SCARD', members)}
end
