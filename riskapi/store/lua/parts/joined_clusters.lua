-- What a join writes by its `plan`: all clusters concerned become one, `into`, and each account gets what binds it. What the cluster
-- comes to is left in `of_cluster`, `log`, `bad` and `claims`, for the caller to write. For cluster_join.lua, whose names it goes by.
-- Needs `spends`, `edges`, `entities` and `joins`.

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
