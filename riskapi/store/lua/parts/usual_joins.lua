-- The usual way of a join, which needs little: an account that is new joins one cluster through those who stand for all in it. It
-- returns what the join returns. Where the account is not such a one nothing is changed, and the script goes on. For
-- cluster_join.lua, whose names it goes by. Needs `spends`, `edges` and `waves`.

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
