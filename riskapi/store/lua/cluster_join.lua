-- Join an account to all it is bound to: they, and the clusters they are in, become one cluster, and what was spent is added
-- up. Nothing can happen in between: who shares what, and what binds whom, is read, planned and written in one step.
--
-- KEYS    1 2 3 4 what the keys of budgets, of clusters, of their members and of words that forbid an edge begin with: whose
--         there are only the script finds out, and all lie in one slot   5 stream of events, then the things, and the lists
--         of who claims what a holder has, of which the script asks who shares them. Those lie in other slots: on a cluster
--         of nodes the caller tells who shares them, and marks what binds.
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "at" (for the event), "ttl", "claimed": TTL of those lists, "oldest",
--         "user", "cluster": id of a new one, "keep": accounts read of a thing, "named": accounts an event names, "waves": the
--         wave that would begin with each of those who came close, by name, "bonds"}, each bond as in parts/joins.lua without
--         "names", and with "thing": its place among KEYS, "list": it is a list of claimants, "whole": the others are all who
--         share it, "due": it must be looked at whether it is a hub, which `l:` of the budget then says
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
local things = open_entities({unpack(KEYS, 6)})
local function budget(name) return KEYS[1] .. name end
local function hash(id) return KEYS[2] .. id end
local function members(id) return KEYS[3] .. id end

-- Who may be bound by what.
local accounts, short = {[user] = bound_by(budget(user))}, {}
local function read(names)
  for _, name in ipairs(names) do accounts[name] = accounts[name] or bound_by(budget(name)) end
  return names
end
for _, bond in ipairs(bonds) do
  bond.names = asked.waves
  local thing = bond.thing and things[bond.thing - 5]
  local function sharing() return read(names_between(thing, '-inf', '(5e11', asked.keep, true)) end
  if not bond.wave and call('EXISTS', KEYS[4] .. bond.edge) == 1 then
    bond.banned = true
    -- The thing was forgotten since, and comes back without the mark.
    if thing and is_there(thing) then add_member(thing, 'NX', 9e12, '*') end
  end
  if thing and bond.list then
    add_member(thing, 'NX', now, user)
    call('EXPIRE', thing.key, asked.claimed)
  end
  if thing and not bond.bound then bond.others = sharing() else read(bond.others) end
  local binds = bond.bound and not bond.banned and not accounts[user].out[bond.edge]
  if binds and not first_bound(bindable(bond, user, accounts), bond.edge, accounts) then
    -- Those named are about to join themselves: whoever was there before them is it.
    if thing then bond.others = sharing() elseif not bond.whole then short[#short + 1] = bond.edge end
  end
end
if #short > 0 then
  write_entities(things)
  return {'whole', unpack(short)}
end

local function used(change)
  local id = call('HGET', budget(user), 'cluster')
  return {change, usage(budget(user), id and hash(id) or nil, id and members(id) or nil, now)}
end
local plan = planned_join(user, bonds, accounts)
if #plan.edges == 0 then
  write_entities(things)
  return used('')
end

-- The clusters concerned; the one with the most accounts stays.
local ids, sizes, places = {}, {}, {}
for _, name in ipairs(plan.names) do
  local id = accounts[name].cluster
  if id ~= '' and not sizes[id] then
    ids[#ids + 1] = id
    sizes[id], places[id] = call('SCARD', members(id)), #ids
  end
end
table.sort(ids, function(one, other)
  if sizes[one] == sizes[other] then return places[one] < places[other] end
  return sizes[one] > sizes[other]
end)
local into = table.remove(ids, 1) or asked.cluster

local log, due, bad = nil, math.huge, 0
local function join(key)
  local other = spends_at(call('HGET', key, 'spends') or nil, now)
  log = log and merged(log, other) or other
end
local function count(id)
  join(hash(id))
  due = math.min(due, tonumber(call('HGET', hash(id), 'due') or math.huge))
  bad = bad + tonumber(call('HGET', hash(id), 'bad') or 0)
end
local function move(name)
  call('HSET', budget(name), 'cluster', into)
  call('SADD', members(into), name)
  call('EXPIRE', budget(name), asked.ttl)
end
if sizes[into] then count(into) end
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
  for _, name in ipairs(call('SMEMBERS', members(id))) do
    -- Some may be forgotten, as a budget that nobody uses is.
    if call('HGET', budget(name), 'cluster') == id then move(name) end
  end
  call('DEL', hash(id), members(id))
end
local came, stay = {}, {}
for _, name in ipairs(plan.names) do
  if accounts[name].cluster == '' then
    join(budget(name))
    bad = bad + call('HEXISTS', budget(name), 'bad')
  end
  if accounts[name].cluster ~= into then
    came[#came + 1] = name
    move(name)
  else
    -- Renewed once a day: asking is a third of the work, and nothing is appended to the file.
    if call('TTL', budget(name)) < asked.ttl - 86400 then call('EXPIRE', budget(name), asked.ttl) end
    stay[#stay + 1] = name
  end
end
-- Should the cluster have been forgotten before them, it knows them again.
for at = 1, #stay, 1000 do call('SADD', members(into), unpack(stay, at, math.min(at + 999, #stay))) end
local looks, waits = {}, {}
for _, bond in ipairs(plan.bonds) do
  if bond.due and not waits[bond.edge] then
    looks[#looks + 1] = bond.edge
    waits[bond.edge] = true
  end
  local thing = bond.thing and not bond.list and things[bond.thing - 5]
  if thing and is_there(thing) then add_member(thing, nil, 5e12, '=') end
end
write_entities(things)
for _, edge in ipairs(plan.edges) do
  local name, thing, till = edge[1], edge[2], edge[3]
  call('HSET', budget(name), 'b:' .. thing, till)
  if waits[thing] and not accounts[name].edges[thing] then call('HSET', budget(name), 'l:' .. thing, 1) end
  local before = tonumber(call('HGET', hash(into), 'e:' .. thing) or 0)
  if till > before then call('HSET', hash(into), 'e:' .. thing, till) end
  due = math.min(due, till)
end
local claims = #ids == 0 and tonumber(call('HGET', hash(into), 'claims') or nil)
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
call('HSET', hash(into), 'spends', packed_spends(log), 'due', due, 'bad', bad, 'claims', claims)
call('EXPIRE', hash(into), asked.ttl)
call('EXPIRE', members(into), asked.ttl)
local change = #ids > 0 and 'merged' or 'joined'
call('XADD', KEYS[5], 'MINID', '~', asked.oldest, '*', 'type', 'cluster', 'data', string.format(
  '{"cluster_id":%s,"at":%s,"change":"%s","merged":%s,"user_ids":%s,"user_id":%s,"looks":%s}', cjson.encode(into),
  cjson.encode(asked.at), change, listed(ids), listed(some(came, asked.named)), cjson.encode(user), listed(looks)))
return used(change)
