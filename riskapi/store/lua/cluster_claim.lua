-- Note that what binds accounts is somebody else's by now: those it binds share the budget of one. Safe to repeat.
--
-- KEYS    1 2 what the keys of budgets and of clusters begin with: whose there are only the script finds out, and all lie in
--         one slot   3 the thing, which is asked who shares it; on a cluster of nodes it lies elsewhere, and the caller tells
-- ARGV    1 the thing, as edges are called   2 accounts read of a thing, then who shares it where KEYS[3] is not given
-- returns the number of accounts that it binds
-- TTL     left as it is
--+ order
--+ packed
--+ entities
local call, edge, bound = redis.call, ARGV[1], 0
local names = {unpack(ARGV, 3)}
if KEYS[3] then names = names_between(open_entities({KEYS[3]})[1], '-inf', '(5e11', tonumber(ARGV[2]), true) end
for _, name in ipairs(names) do
  local found = call('HMGET', KEYS[1] .. name, 'cluster', 'b:' .. edge)
  local hash = found[1] and found[2] and KEYS[2] .. found[1]
  if hash and call('HEXISTS', hash, 'e:' .. edge) == 1 then
    bound = bound + 1
    call('HINCRBY', hash, 'claims', call('HSET', hash, 'c:' .. edge, 1))
  end
end
return bound
