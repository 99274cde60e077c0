-- Take edges of accounts away, and those that ended, and take apart the clusters that hung together by them: each group that
-- is left has what its own accounts spent. Nothing can happen in between.
--
-- KEYS    1 2 3 what the keys of budgets, of clusters and of their members begin with: whose there are only the script finds
--         out, and all lie in one slot   4 stream of events   5 where a thing binds nobody any more, that thing: it is asked
--         for "names", and loses its mark. On a cluster of nodes it lies elsewhere, and the caller does that.
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "at" (for the event), "ttl", "oldest", "names": accounts whose clusters
--         are meant, "edges", "id": what new ids begin with, "keep": accounts read of a thing, "named": accounts an event names,
--         "reason", and where that is so: "actor", "all": everybody in these clusters loses the edges, "ban": they never come
--         back, "ended": only what ended is taken away, where anything did, "looked": only who was bound until somebody would
--         look, and "hub": whether that found a hub; else they stay bound}
-- returns the number of clusters that lost an edge
-- TTL     "ttl", for all that is written; the stream is trimmed by age
--+ spends
--+ order
--+ edges
--+ splits
--+ packed
--+ entities
local call, asked = redis.call, cjson.decode(ARGV[1])
local function budget(name) return KEYS[1] .. name end
local function hash(id) return KEYS[2] .. id end
local function members(id) return KEYS[3] .. id end
local moment, names, edges = clock(asked.now), asked.names, {}
for _, edge in ipairs(asked.edges) do edges[edge] = true end
if KEYS[5] then
  local things = open_entities({KEYS[5]})
  remove_members(things[1], '=')
  write_entities(things)
  names = names_between(things[1], '-inf', '(5e11', asked.keep, true)
end


local accounts = {}
local function account(name)
  accounts[name] = accounts[name] or bound_by(budget(name))
  return accounts[name]
end

-- The accounts meant, and the clusters they are in.
local meant, ids, within = {}, {}, {}
for _, name in ipairs(names) do
  local found = account(name)
  local binds = asked.ended
  for edge in pairs(edges) do
    local bound = found.edges[edge] ~= nil
    if asked.looked then bound = call('HDEL', budget(name), 'l:' .. edge) == 1 and bound and asked.hub end
    binds = binds or bound
  end
  if binds and found.cluster ~= '' then
    meant[name] = true
    if not within[found.cluster] then
      ids[#ids + 1] = found.cluster
      within[found.cluster] = {}
    end
    table.insert(within[found.cluster], name)
  end
end
local function cut(name, edge) return (asked.all or meant[name]) and edges[edge] end

local made = 0
local function new_id()
  made = made + 1
  return asked.id .. string.format('%04x', made)
end

-- Take one cluster apart, of which at least these accounts are members; whether it lost an edge.
local function part(id, some_names)
  local names, bound, ends, claimed = {}, {}, {}, {}
  for _, name in ipairs(call('SMEMBERS', members(id))) do names[#names + 1] = name end
  for _, name in ipairs(some_names) do
    if call('SISMEMBER', members(id), name) == 0 then names[#names + 1] = name end
  end
  table.sort(names)
  for at = #names, 1, -1 do
    local found = account(names[at])
    if found.cluster == id then bound[names[at]] = found.edges else table.remove(names, at) end
  end
  local fields = call('HGETALL', hash(id))
  for at = 1, #fields, 2 do
    local sort, edge = string.sub(fields[at], 1, 2), string.sub(fields[at], 3)
    if sort == 'e:' then ends[edge] = tonumber(fields[at + 1]) end
    if sort == 'c:' then claimed[edge] = true end
  end
  local plan = planned_split(names, bound, ends, cut, moment)
  -- Time does not run backwards for those who stay, whatever the clock of whoever asks says.
  local now = spends_at(call('HGET', hash(id), 'spends') or nil, moment)[1]
  call('DEL', hash(id), members(id))
  for _, edge in ipairs(plan.gone) do
    call('HDEL', budget(edge[1]), 'b:' .. edge[2])
    if edge[3] and asked.ban then call('HSET', budget(edge[1]), 'x:' .. edge[2], now) end
  end
  for _, name in ipairs(plan.alone) do call('HDEL', budget(name), 'cluster') end
  local into = {}
  for at, group in ipairs(plan.groups) do
    local new = at == 1 and id or new_id() -- the first group keeps the id
    into[at] = new
    local log, bad, due, claims = nil, 0, math.huge, 0
    for _, name in ipairs(group.names) do
      local own = spends_at(call('HGET', budget(name), 'spends') or nil, now)
      log = log and merged(log, own) or own
      call('HSET', budget(name), 'cluster', new)
      call('SADD', members(new), name)
      bad = bad + call('HEXISTS', budget(name), 'bad')
    end
    for edge, till in pairs(group.edges) do
      call('HSET', hash(new), 'e:' .. edge, till)
      due = math.min(due, till)
      if claimed[edge] then claims = claims + call('HSET', hash(new), 'c:' .. edge, 1) end
    end
    call('HSET', hash(new), 'spends', packed_spends(log), 'due', due, 'bad', bad, 'claims', claims)
    call('EXPIRE', hash(new), asked.ttl)
    call('EXPIRE', members(new), asked.ttl)
  end
  if #plan.gone == 0 then return false end
  -- A worker has to know all accounts that are alone now; the event for the outside names only some.
  local rest = {}
  for at = asked.named + 1, #plan.alone do rest[#rest + 1] = plan.alone[at] end
  local more = #rest > 0 and ',"more_ids":' .. listed(rest) or ''
  call('XADD', KEYS[4], 'MINID', '~', asked.oldest, '*', 'type', 'cluster', 'data', string.format(
    '{"cluster_id":%s,"at":%s,"change":"split","into":%s,"user_ids":%s%s,"reason":%s,"actor":%s}', cjson.encode(id),
    cjson.encode(asked.at), listed(into), listed(some(plan.alone, asked.named)), more, cjson.encode(asked.reason),
    asked.actor and cjson.encode(asked.actor) or 'null'))
  return true
end

local lost = 0
for _, id in ipairs(ids) do
  local due = asked.ended and tonumber(call('HGET', hash(id), 'due') or 0)
  if (not due or due <= moment) and part(id, within[id]) then lost = lost + 1 end
end
return lost
