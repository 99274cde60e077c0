-- Join an account to all it is bound to: they, and the clusters they are in, become one cluster, and what was spent is added
-- up. Nothing can happen in between: who shares what, and what binds whom, is read, planned and written in one step.
--
-- KEYS    1 2 3 4 what the keys of budgets, of clusters, of their members and of words that forbid an edge begin with: whose
--         there are only the script finds out, and all lie in one slot   5 stream of events, then the things, and the lists
--         of who claims what a holder has, of which the script asks who shares them. Those lie in other slots: on a cluster
--         of nodes the caller tells who shares them, and marks what binds.
-- ARGV    1 user_id   2 id of a new cluster   3 time of the event   4 oldest id kept of the stream
--         5 numbers of eight bytes: now (negative: the store's clock), TTL of what is written, TTL of lists of claimants, how
--         many accounts are read of a thing, how many an event names, then of each bond when it ends, and which of KEYS its
--         thing is (0: none). JSON would take ten times as long to read
--         6 a key, of which with the name of an account the edge of a wave is made that begins with it: two of one account are one
--         then two texts of each bond, both parted by blanks: letters, its edge, and those apart from it; and its others. These are
--         long, and mostly only their beginning is read. Letters: 'w' wave, 'b' bound, 'c' claims, as in parts/joins.lua; 'l' the
--         thing is a list of claimants, of whom one that it binds stands for all; 'a' the others are all who share it; 'd' it is due
--         to be looked at whether it is a hub, which `l:` of the budget then says; '-' none
-- returns {'whole', edge, …} of things for which nobody of those told stands: all who share them are to be told. Else
--         {'' or 'joined' or 'merged', what parts/usage.lua tells}
-- TTL     as given, for all that is written; of accounts that are in the cluster already it is renewed once a day; the stream is
--         trimmed by age
--
-- Two ways through it: first the usual one of a crowd (parts/usual_joins.lua), in which an account that is new joins one cluster
-- through those who stand for all in it; then all the rest, with the functions that need making at each call only there: what is
-- told is read (parts/told_bonds.lua), planned (parts/joins.lua) and written (parts/joined_clusters.lua).
--+ spends
--+ usage
--+ order
--+ edges
--+ waves
local call = redis.call
local user, new_cluster, event_at, oldest = unpack(ARGV, 1, 4)
local numbers = {struct.unpack('<' .. string.rep('d', #ARGV[5] / 8), ARGV[5])}
local now, ttl, claimed, keep, named = unpack(numbers, 1, 5)
if now < 0 then now = clock('') end
local function budget(name) return KEYS[1] .. name end
local function hash(id) return KEYS[2] .. id end
local function members(id) return KEYS[3] .. id end

-- Of those who came close only the newest is read where that is ENOUGH: it is in a wave of a cluster of more accounts than are told
-- of as close (LARGE), and so are the next ones, so many in a row with itself, or all there are. For each of them read those
-- before it when it came.
local ENOUGH, LARGE = 4, 32
local sizes = {}
local function size_of(id)
  sizes[id] = sizes[id] or call('SCARD', members(id))
  return sizes[id]
end

-- What binds each account that is concerned: only those that the join depends on are read.
local accounts = {[user] = bound_by(budget(user))}
local mine = accounts[user]
local function account(name)
  accounts[name] = accounts[name] or bound_by(budget(name))
  return accounts[name]
end

-- Renew an account that is in the cluster already: once a day, so that the append-only file does not grow with each join.
local function renew_daily(name)
  if call('TTL', budget(name)) < ttl - 86400 then call('EXPIRE', budget(name), ttl) end
end

-- The cluster is renewed with its members, who are renewed by nothing else.
local function renew_cluster(id, is_new)
  if is_new or call('TTL', members(id)) < ttl - 86400 then
    call('EXPIRE', hash(id), ttl)
    call('EXPIRE', members(id), ttl)
  end
end

-- Write what a cluster came to, of which {log, bad, claims, size} are told, and what else changed, {field, value, …}; tell of it,
-- and return what the join returns.
local function write_cluster(id, change, is_new, found, fields, merged, came, looks)
  call('HSET', hash(id), 'spends', packed_spends(found.log), unpack(fields))
  renew_cluster(id, is_new)
  call('XADD', KEYS[5], 'MINID', '~', oldest, '*', 'type', 'cluster', 'data', '{"cluster_id":"' .. id .. '","at":"' ..
    event_at .. '","change":"' .. change .. '","merged":' .. listed(merged) .. ',"user_ids":' .. listed(came) ..
    ',"user_id":' .. cjson.encode(user) .. ',"looks":' .. listed(looks) .. '}')
  mine.cluster = id
  return {change, usage(mine, found, now)}
end

-- Those of a text, the first ones, as many as `most`; all without it.
local function names_of(text, most)
  local names = {}
  for name in string.gmatch(text, '%S+') do
    names[#names + 1] = name
    if #names == most then break end
  end
  return names
end

-- The wave in which one who came close stands for those before it, `others`, the next first; nil where it does not.
local function wave_of(name, others)
  local found = account(name)
  local wave, cluster = first_wave(found.edges), found.cluster
  if name == user or found.aside or not wave or cluster == '' or size_of(cluster) <= LARGE then return end
  local told = #others > 0 and call('SMISMEMBER', members(cluster), unpack(others, 1, math.min(#others, ENOUGH - 1))) or {}
  for _, is_in in ipairs(told) do
    if is_in == 0 then return end
  end
  return wave
end

--+ usual_joins

--+ packed
--+ entities
--+ joins
--+ told_bonds
if #short > 0 then
  write_entities(things)
  return {'whole', unpack(short)}
end

local function wave_after(name) return 'w:' .. string.sub(redis.sha1hex(ARGV[6] .. name), 1, 16) end
local plan = planned_join(user, bonds, accounts, wave_after)
if #plan.edges == 0 then
  write_entities(things)
  return {'', usage(mine, mine.cluster ~= '' and cluster_at(hash(mine.cluster), members(mine.cluster), now) or nil, now)}
end

--+ joined_clusters
return write_cluster(into, #ids > 0 and 'merged' or 'joined', is_new, {
  log = log, bad = bad, claims = claims, size = call('SCARD', members(into)),
}, of_cluster, ids, some(came, named), looks)
