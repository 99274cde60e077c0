-- Read in which clusters accounts are, and how many accounts those have.
--
-- KEYS    1 2 what the keys of budgets and of clusters' members begin with: whose there are only the script finds out, and
--         all lie in one slot
-- ARGV    the accounts
-- returns for each account, one after another, its cluster ('' for none) and how many accounts that has
-- TTL     writes nothing
local call, found, sizes = redis.call, {}, {}
for at, name in ipairs(ARGV) do
  local cluster = call('HGET', KEYS[1] .. name, 'cluster') or ''
  if cluster ~= '' and not sizes[cluster] then sizes[cluster] = call('SCARD', KEYS[2] .. cluster) end
  found[2 * at - 1], found[2 * at] = cluster, sizes[cluster] or 1
end
return found
