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
-- Two ways through it: first the usual one of a crowd, in which an account that is new joins one cluster through those who stand
-- for all in it; then all the rest, with the functions that need making at each call only there.
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

-- Of those who came close only the newest is read, where it is in a wave of a cluster that has more accounts than are told of as
-- close, and where so many in a row, itself included, are in that cluster, or all: each of them read those before it when it came.
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

-- What binds an account that is new: {edges, ends = until when each binds it, the latest of several, others it is bound to, looks =
-- edges due to be looked at, cluster}. Nil where the others are not all in one cluster, or do not stand for all in it.
local function usual_bonds()
  local edges, ends, bound_to, looks, known, cluster = {}, {}, {}, {}, {}, nil
  for i = 1, #ARGV / 2 - 3 do
    local letters, text, till, edge, name = ARGV[2 * i + 5], ARGV[2 * i + 6], numbers[2 * i + 4], nil, nil
    if letters == 'w' then
      local others = names_of(text, ENOUGH)
      name = table.remove(others, 1)
      edge = name and wave_of(name, others)
      if not edge then return end
    else
      letters, edge = string.match(letters, '^(bd?) (%S+)$')
      name = edge and string.match(text, '^%S+')
      local found = name and name ~= user and account(name)
      if not found or not found.edges[edge] or found.out[edge] or call('EXISTS', KEYS[4] .. edge) == 1 then return end
      if letters == 'bd' and not ends[edge] then looks[#looks + 1] = edge end
    end
    cluster = cluster or accounts[name].cluster
    if accounts[name].cluster ~= cluster then return end
    if not known[name] then bound_to[#bound_to + 1], known[name] = name, true end
    if not ends[edge] then edges[#edges + 1] = edge end
    ends[edge] = math.max(ends[edge] or till, till)
  end
  if cluster and cluster ~= '' then
    return {edges = edges, ends = ends, others = bound_to, looks = looks, cluster = cluster}
  end
end

local usual = mine.is_new and usual_bonds()
if usual then
  local into, edges, asked = usual.cluster, usual.edges, {}
  for at, edge in ipairs(edges) do asked[at] = 'e:' .. edge end
  local found = call('HMGET', hash(into), 'spends', 'due', 'bad', 'claims', unpack(asked))
  if found[4] then -- else it was forgotten
    local own, theirs, before = {'cluster', into}, {}, tonumber(found[2] or math.huge)
    local due = before
    for at, edge in ipairs(edges) do
      local till = usual.ends[edge]
      own[#own + 1], own[#own + 2] = 'b:' .. edge, till
      if till > tonumber(found[4 + at] or 0) then theirs[#theirs + 1], theirs[#theirs + 2] = asked[at], till end
      due = math.min(due, till)
    end
    if due < before then theirs[#theirs + 1], theirs[#theirs + 2] = 'due', due end
    for _, edge in ipairs(usual.looks) do own[#own + 1], own[#own + 2] = 'l:' .. edge, 1 end
    call('HSET', budget(user), unpack(own))
    call('EXPIRE', budget(user), ttl)
    for _, name in ipairs(usual.others) do renew_daily(name) end
    -- Should the cluster's members have been forgotten, it knows these again.
    local added = call('SADD', members(into), user, unpack(usual.others))
    local size = sizes[into] and sizes[into] + added or call('SCARD', members(into))
    return write_cluster(into, 'joined', false, {
      log = spends_at(found[1], now), bad = tonumber(found[3] or 0), claims = tonumber(found[4]), size = size,
    }, theirs, {}, {user}, usual.looks)
  end
end

--+ packed
--+ entities
--+ joins
local bonds = {}
for i = 1, #ARGV / 2 - 3 do
  local text = ARGV[2 * i + 5]
  local letters, edge, apart = string.match(text, '^(%S+) ?(%S*)(.*)$')
  local function is(letter) return string.find(letters, letter, 1, true) ~= nil end
  local thing = numbers[2 * i + 5]
  bonds[i] = {edge = edge, till = numbers[2 * i + 4], apart = {}, thing = thing > 0 and thing or nil, list = is('l'),
    claims = is('c'), bound = is('b') or is('l'), wave = is('w'), whole = is('a'), due = is('d')}
  for name in string.gmatch(apart, '%S+') do table.insert(bonds[i].apart, name) end
end

-- The things that are asked or changed. Most are not, because one account that they bind stands for all.
local things, opened = {}, {}
local function thing_of(bond)
  local key = bond.thing and KEYS[bond.thing]
  if key and not opened[key] then
    opened[key] = open_entities({key})[1]
    things[#things + 1] = opened[key]
  end
  return key and opened[key]
end
local short = {}
local function read(names)
  for _, name in ipairs(names) do account(name) end
  return names
end

-- Those of a text, up to the one of whom `is_last` says so.
local function told(text, is_last)
  local names = {}
  for name in string.gmatch(text, '%S+') do
    names[#names + 1] = name
    if is_last(name, account(name)) then break end
  end
  return names
end

-- All who share a thing, which binds from now on.
local function sharing(bond)
  bond.begins = true
  return read(names_between(thing_of(bond), '-inf', '(5e11', keep, true))
end

-- Those who came close: one, where it stands for all.
local function close(text)
  local names, first = names_of(text), 1
  while names[first] and (names[first] == user or account(names[first]).aside) do first = first + 1 end
  if names[first] and wave_of(names[first], {unpack(names, first + 1)}) then return {names[first]} end
  return read(names)
end

-- Whether somebody is bound by a thing, and so stands for all who share it.
local function is_first(bond)
  return function(name, found) return found.edges[bond.edge] and #bindable({edge = bond.edge, apart = bond.apart, others = {name}},
    user, accounts) > 0 end
end

for at, bond in ipairs(bonds) do
  local text = ARGV[2 * at + 6]
  if not bond.wave and call('EXISTS', KEYS[4] .. bond.edge) == 1 then
    bond.banned = true
    -- The thing was forgotten since, and comes back without the mark.
    local thing = thing_of(bond)
    if thing and is_there(thing) then add_member(thing, 'NX', 9e12, '*') end
  end
  if bond.thing and bond.list then
    add_member(thing_of(bond), 'NX', now, user)
    call('EXPIRE', KEYS[bond.thing], claimed)
  end
  local open = not bond.banned and not accounts[user].out[bond.edge]
  if bond.wave then
    bond.others = close(text)
  elseif not open then
    bond.others = {}
  elseif bond.bound then
    -- Nobody is told of those who claim what a holder has: the newest on the list are read instead.
    if bond.list and bond.thing then
      text = table.concat(names_between(thing_of(bond), '-inf', '(5e11', LARGE, true), ' ')
    end
    bond.others = told(text, is_first(bond))
    if not first_bound(bindable(bond, user, accounts), bond.edge, accounts) then
      -- The accounts named are about to join, so the holder is whoever was there before them.
      if bond.thing then bond.others = sharing(bond) elseif not bond.whole then short[#short + 1] = bond.edge end
    end
  else
    bond.others = bond.thing and sharing(bond) or read(names_of(text))
  end
end
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

-- The clusters concerned; the one with the most accounts stays.
local ids, places = {}, {}
for _, name in ipairs(plan.names) do
  local id = accounts[name].cluster
  if id ~= '' and not places[id] then
    ids[#ids + 1] = id
    places[id] = #ids
  end
end
table.sort(ids, function(one, other)
  if size_of(one) == size_of(other) then return places[one] < places[other] end
  return size_of(one) > size_of(other)
end)
local into = table.remove(ids, 1) or new_cluster

local log, due, bad = nil, math.huge, 0
local function join(spends)
  if log and not spends then return end
  local other = spends_at(spends, now)
  log = log and merged(log, other) or other
end
-- Count what a cluster has; returns its field `claims` and those named.
local function count(id, ...)
  local told = call('HMGET', hash(id), 'spends', 'due', 'bad', 'claims', ...)
  join(told[1])
  due = math.min(due, tonumber(told[2] or math.huge))
  bad = bad + tonumber(told[3] or 0)
  return told[4], {unpack(told, 5)}
end
local function add_members(names)
  for at = 1, #names, 1000 do call('SADD', members(into), unpack(names, at, math.min(at + 999, #names))) end
end
-- The things that bind now, as fields of the cluster, and until when.
local fields_of_things, ends = {}, {}
for _, edge in ipairs(plan.edges) do
  local thing, till = edge[2], edge[3]
  if not ends[thing] then fields_of_things[#fields_of_things + 1] = 'e:' .. thing end
  ends[thing] = math.max(ends[thing] or till, till)
end
local claims, ended = nil, nil
if places[into] then claims, ended = count(into, unpack(fields_of_things)) end
for _, id in ipairs(ids) do
  count(id)
  local fields = call('HGETALL', hash(id))
  for at = 1, #fields, 2 do
    local sort = string.sub(fields[at], 1, 2)
    if sort == 'e:' or sort == 'c:' then
      -- The later end stands.
      local before = tonumber(call('HGET', hash(into), fields[at]) or 0)
      if tonumber(fields[at + 1]) > before then call('HSET', hash(into), fields[at], fields[at + 1]) end
    end
  end
  local moved = {}
  for _, name in ipairs(call('SMEMBERS', members(id))) do
    -- Some may be forgotten, as a budget that nobody uses is.
    if call('HGET', budget(name), 'cluster') == id then
      moved[#moved + 1] = name
      call('HSET', budget(name), 'cluster', into)
      call('EXPIRE', budget(name), ttl)
    end
  end
  add_members(moved)
  call('DEL', hash(id), members(id))
end
local looks, waits = {}, {}
for _, bond in ipairs(plan.bonds) do
  if bond.due and not waits[bond.edge] then
    looks[#looks + 1] = bond.edge
    waits[bond.edge] = true
  end
  local thing = bond.begins and not bond.list and thing_of(bond)
  if thing and is_there(thing) then add_member(thing, nil, 5e12, '=') end
end
write_entities(things)
-- What is written of each account.
local fields = {}
for _, name in ipairs(plan.names) do fields[name] = accounts[name].cluster ~= into and {'cluster', into} or {} end
for _, edge in ipairs(plan.edges) do
  local name, thing, till = edge[1], edge[2], edge[3]
  local own = fields[name]
  own[#own + 1], own[#own + 2] = 'b:' .. thing, till
  if waits[thing] and not accounts[name].edges[thing] then own[#own + 1], own[#own + 2] = 'l:' .. thing, 1 end
  due = math.min(due, till)
end
local came = {}
for _, name in ipairs(plan.names) do
  local found, own = accounts[name], fields[name]
  if found.cluster == '' then
    join(found.spends)
    if found.bad then bad = bad + 1 end
  end
  if #own > 0 then call('HSET', budget(name), unpack(own)) end
  if found.cluster ~= into then
    came[#came + 1] = name
    call('EXPIRE', budget(name), ttl)
  else
    renew_daily(name)
  end
end
-- Should the cluster have been forgotten before those who are in it, it knows them again.
add_members(plan.names)
local of_cluster = {'due', due, 'bad', bad}
-- Those that were taken in may have brought the same things.
if #ids > 0 or not ended then ended = call('HMGET', hash(into), unpack(fields_of_things)) end
for at, field in ipairs(fields_of_things) do
  local till = ends[string.sub(field, 3)]
  if till > tonumber(ended[at] or 0) then
    of_cluster[#of_cluster + 1], of_cluster[#of_cluster + 2] = field, till
  end
end
local is_new = not claims
claims = #ids == 0 and tonumber(claims or nil)
for _, edge in ipairs(plan.claims) do
  local fresh = call('HSET', hash(into), 'c:' .. edge, 1)
  claims = claims and claims + fresh
end
if not claims then -- of a cluster that is new, or took in others
  claims = 0
  for _, field in ipairs(call('HKEYS', hash(into))) do
    if string.sub(field, 1, 2) == 'c:' then claims = claims + 1 end
  end
end
of_cluster[#of_cluster + 1], of_cluster[#of_cluster + 2] = 'claims', claims
return write_cluster(into, #ids > 0 and 'merged' or 'joined', is_new, {
  log = log, bad = bad, claims = claims, size = call('SCARD', members(into)),
}, of_cluster, ids, some(came, named), looks)
