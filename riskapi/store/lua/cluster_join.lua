-- Join an account to all it is bound to: they, and the clusters they are in, become one cluster, and what was spent is added
-- up. Nothing can happen in between: who shares what, and what binds whom, is read, planned and written in one step.
--
-- KEYS    1 2 3 4 what the keys of budgets, of clusters, of their members and of words that forbid an edge begin with: whose
--         there are only the script finds out, and all lie in one slot   5 stream of events, then the things, and the lists
--         of who claims what a holder has, of which the script asks who shares them. Those lie in other slots: on a cluster
--         of nodes the caller tells who shares them, and marks what binds.
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "at" (for the event), "ttl", "claimed": TTL of those lists, "oldest",
--         "user", "cluster": id of a new one, "keep": accounts read of a thing, "named": accounts an event names, "bonds"}, each
--         bond as in parts/joins.lua without "names" and "others", and with "thing": its place among KEYS, "list": it is a list of
--         claimants, "whole": the others are all who share it, "due": it must be looked at whether it is a hub, which `l:` of the
--         budget then says   2 the waves, a text parted by blanks: each of those who came close, and the wave that would begin with
--         it   then the others of each bond, parted by blanks. These texts are long, and mostly only their beginning is read
-- returns {'whole', edge, …} of things for which nobody of those told stands: all who share them are to be told. Else
--         {'' or 'joined' or 'merged', what parts/usage.lua tells}
-- TTL     "ttl", for all that is written; of accounts that are in the cluster already it is renewed once a day; the stream is
--         trimmed by age
--+ spends
--+ usage
--+ edges
--+ order
--+ joins
--+ packed
--+ entities
local call, asked = redis.call, cjson.decode(ARGV[1])
local now, user, bonds = clock(asked.now), asked.user, asked.bonds
-- The things that are asked or changed; most are not, because one whom they bind stands for all.
local things, opened = {}, {}
local function thing_of(bond)
  local key = bond.thing and KEYS[bond.thing]
  if key and not opened[key] then
    opened[key] = open_entities({key})[1]
    things[#things + 1] = opened[key]
  end
  return key and opened[key]
end
local function budget(name) return KEYS[1] .. name end
local function hash(id) return KEYS[2] .. id end
local function members(id) return KEYS[3] .. id end

-- Of those who came close only the newest are read, where these are in a wave of one cluster already that has more accounts than
-- are told of as close: each of the rest read those before it when it came.
local ENOUGH, LARGE = 4, 32
local sizes = {}
local function size_of(id)
  sizes[id] = sizes[id] or call('SCARD', members(id))
  return sizes[id]
end

-- Who may be bound by what: only those are read whom it depends on.
local accounts, short = {[user] = bound_by(budget(user))}, {}
local function account(name)
  accounts[name] = accounts[name] or bound_by(budget(name))
  return accounts[name]
end
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
local function nobody() return false end

-- All who share a thing, which binds from now on.
local function sharing(bond)
  bond.begins = true
  return read(names_between(thing_of(bond), '-inf', '(5e11', asked.keep, true))
end

-- Whether one who came close, and those before it, tell of the rest. It is asked of each in turn.
local function is_enough()
  local count, cluster = 0, nil
  return function(name, found)
    if not count or found.aside or name == user then return false end
    local fits = found.wave and found.cluster ~= '' and found.cluster == (cluster or found.cluster)
    count, cluster = fits and count + 1, found.cluster
    return count == ENOUGH and size_of(cluster) > LARGE
  end
end

-- Whether somebody is bound by a thing, and so stands for all who share it.
local function is_first(bond)
  return function(name, found) return found.edges[bond.edge] and #bindable({edge = bond.edge, apart = bond.apart, others = {name}},
    user, accounts) > 0 end
end

-- The waves that would begin with each of those who came close, made when one is asked for.
local begun
local waves_begun = setmetatable({}, {__index = function(_, name)
  if not begun then
    begun = {}
    for each, edge in string.gmatch(ARGV[2], '(%S+) (%S+)') do begun[each] = edge end
  end
  return begun[name]
end})

for at, bond in ipairs(bonds) do
  local text = ARGV[at + 2]
  if not bond.wave and call('EXISTS', KEYS[4] .. bond.edge) == 1 then
    bond.banned = true
    -- The thing was forgotten since, and comes back without the mark.
    local thing = thing_of(bond)
    if thing and is_there(thing) then add_member(thing, 'NX', 9e12, '*') end
  end
  if bond.thing and bond.list then
    add_member(thing_of(bond), 'NX', now, user)
    call('EXPIRE', KEYS[bond.thing], asked.claimed)
  end
  local open = not bond.banned and not accounts[user].out[bond.edge]
  if bond.wave then
    bond.others, bond.names = told(text, is_enough()), waves_begun
  elseif not open then
    bond.others = {}
  elseif bond.bound then
    bond.others = told(text, is_first(bond))
    if not first_bound(bindable(bond, user, accounts), bond.edge, accounts) then
      -- Those named are about to join themselves: whoever was there before them is it.
      if bond.thing then bond.others = sharing(bond) elseif not bond.whole then short[#short + 1] = bond.edge end
    end
  else
    bond.others = bond.thing and sharing(bond) or told(text, nobody)
  end
end
if #short > 0 then
  write_entities(things)
  return {'whole', unpack(short)}
end

local plan, mine = planned_join(user, bonds, accounts), accounts[user]
if #plan.edges == 0 then
  write_entities(things)
  return {'', usage(mine, mine.cluster ~= '' and cluster_at(hash(mine.cluster), members(mine.cluster)) or nil, now)}
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
local into = table.remove(ids, 1) or asked.cluster

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
      call('EXPIRE', budget(name), asked.ttl)
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
    call('EXPIRE', budget(name), asked.ttl)
  elseif call('TTL', budget(name)) < asked.ttl - 86400 then -- once a day, so that nothing else is appended to the file
    call('EXPIRE', budget(name), asked.ttl)
  end
end
-- Should the cluster have been forgotten before those who are in it, it knows them again.
add_members(plan.names)
local of_cluster = {}
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
local spends = packed_spends(log)
call('HSET', hash(into), 'spends', spends, 'due', due, 'bad', bad, 'claims', claims, unpack(of_cluster))
-- The cluster is renewed with its members, who are renewed by nothing else.
if is_new or call('TTL', members(into)) < asked.ttl - 86400 then
  call('EXPIRE', hash(into), asked.ttl)
  call('EXPIRE', members(into), asked.ttl)
end
local change, size = #ids > 0 and 'merged' or 'joined', call('SCARD', members(into))
call('XADD', KEYS[5], 'MINID', '~', asked.oldest, '*', 'type', 'cluster', 'data', '{"cluster_id":"' .. into .. '","at":"' ..
  asked.at .. '","change":"' .. change .. '","merged":' .. listed(ids) .. ',"user_ids":' .. listed(some(came, asked.named)) ..
  ',"user_id":' .. cjson.encode(user) .. ',"looks":' .. listed(looks) .. '}')
mine.cluster = into
return {change, usage(mine, {spends = spends, bad = bad, claims = claims, size = size}, now)}
