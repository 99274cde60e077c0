-- What is left of a cluster when edges are taken away. Nothing is read or written here.

-- Accounts that hang together through what binds them, larger groups first, each in the order of `names`. `edges` are the
-- edges of each account.
local function groups(names, edges)
  local parent, gathered, found = {}, {}, {}
  local function root(name)
    while parent[name] do
      parent[name] = parent[parent[name]] or parent[name]
      name = parent[name]
    end
    return name
  end
  local function unite(one, other)
    one, other = root(one), root(other)
    if one ~= other then parent[one] = other end
  end
  for _, name in ipairs(names) do
    for edge in pairs(edges[name]) do unite('edge ' .. edge, 'account ' .. name) end
  end
  for _, name in ipairs(names) do
    local first = root('account ' .. name)
    if not gathered[first] then
      found[#found + 1] = {at = #found, names = {}}
      gathered[first] = found[#found].names
    end
    table.insert(gathered[first], name)
  end
  table.sort(found, function(one, other)
    if #one.names == #other.names then return one.at < other.at end
    return #one.names > #other.names
  end)
  for at, group in ipairs(found) do found[at] = group.names end
  return found
end

-- What to write: {gone = {{name, edge, cut}, …}, groups = {{names = {name, …}, edges = {edge = until}}, …}, alone = {name, …}}.
-- `edges` are what binds each account, `ends` until when each edge binds the cluster, and `cut(name, edge)` says which are
-- taken away; so are those that ended, and what only one account is left with binds nobody.
local function planned_split(names, edges, ends, cut, now)
  local plan, left, holders = {gone = {}, groups = {}, alone = {}}, {}, {}
  for _, name in ipairs(names) do
    left[name] = {}
    for edge in pairs(edges[name]) do
      if cut(name, edge) then
        table.insert(plan.gone, {name, edge, true})
      elseif (ends[edge] or 0) <= now then
        table.insert(plan.gone, {name, edge, false})
      else
        left[name][edge] = true
        holders[edge] = (holders[edge] or 0) + 1
      end
    end
  end
  if #plan.gone > 0 then
    for _, name in ipairs(names) do
      for edge in pairs(left[name]) do
        if holders[edge] == 1 then table.insert(plan.gone, {name, edge, false}) end
      end
    end
    for _, each in ipairs(plan.gone) do left[each[1]][each[2]] = nil end
  end
  for _, group in ipairs(groups(names, left)) do
    if #group == 1 then
      table.insert(plan.alone, group[1])
    else
      local entities = {}
      for _, name in ipairs(group) do
        for edge in pairs(left[name]) do entities[edge] = ends[edge] end
      end
      table.insert(plan.groups, {names = group, edges = entities})
    end
  end
  return plan
end
