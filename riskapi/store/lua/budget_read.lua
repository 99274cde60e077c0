-- Read the budget of an account: what it and its cluster spent, by window and by day.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none, or it is not asked for)
--         3 the members of that (or the budget again)
-- ARGV    1 now, or '' for the store's clock
-- returns what parts/usage.lua tells
-- TTL     left as it is
--+ spends
--+ usage
local cluster = KEYS[2] ~= KEYS[1] and KEYS[2] or nil
return usage(KEYS[1], cluster, KEYS[3], clock(ARGV[1]))
