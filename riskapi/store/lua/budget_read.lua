-- Read the budget of an account: what it and its cluster spent, by window and by day.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none, or it is not asked for)
--         3 the members of that (or the budget again)
-- ARGV    1 now, or '' for the store's clock
-- returns what parts/usage.lua tells
-- TTL     left as it is
--+ spends
--+ usage
local found = redis.call('HMGET', KEYS[1], 'cluster', 'revision', 'first', 'hold', 'hold_until', 'spends', 'bad')
local now = clock(ARGV[1])
local cluster = KEYS[2] ~= KEYS[1] and cluster_at(KEYS[2], KEYS[3], now) or nil
return usage({
  cluster = found[1], revision = found[2], first = found[3], hold = found[4], hold_until = found[5],
  spends = found[6], bad = found[7],
}, cluster, now)
