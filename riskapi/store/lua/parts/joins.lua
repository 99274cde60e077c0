-- What a join makes of the bonds of an account: whom it binds, by what. Nothing is read or written here. Needs parts/waves.lua.
--
-- `accounts` are what parts/edges.lua tells of everybody concerned, by name, as it stood before the first bond. A bond is
--   {edge, others = {name, …}, till = when it ends, apart = {holder, …}, claims, bound, wave, banned}
-- apart: those whom it does not bind; claims: it is somebody else's; bound: it binds already, so that one of those it binds
-- stands for all; banned: a reviewer said that it binds nobody. wave: its edge is that of a wave that the others are in.
-- `wave_after` tells the edge of a wave that begins with an account.

-- The others that a bond can bind: not those apart, nor who was cut off from it, or proved it to be its own.
local function bindable(bond, user, accounts)
  local apart, found = {}, {}
  for _, name in ipairs(bond.apart) do apart[name] = true end
  for _, name in ipairs(bond.others) do
    if name ~= user and not apart[name] and not accounts[name].out[bond.edge] then found[#found + 1] = name end
  end
  return found
end

-- The first of them that the thing binds already, or nil.
local function first_bound(names, edge, accounts)
  for _, name in ipairs(names) do
    if accounts[name].edges[edge] then return name end
  end
end

-- The waves that an account joins with those it came with: theirs, or one named after the first of them. An account that gave
-- proof is in no wave, nor is one that was cut out of it.
local function waves(bond, user, accounts, wave_after)
  local found, at, loose = {}, {}, {}
  if accounts[user].aside then return found end
  local function wave(edge)
    if not at[edge] then
      found[#found + 1] = {edge = edge, others = {}, till = bond.till}
      at[edge] = found[#found]
    end
    return at[edge].others
  end
  for _, name in ipairs(bond.others) do
    if name ~= user and not accounts[name].aside then
      local edge = first_wave(accounts[name].edges)
      local others = edge and wave(edge) or loose
      others[#others + 1] = name
    end
  end
  if #loose > 0 then
    local others = found[1] and found[1].others or wave(wave_after(loose[#loose]))
    for _, name in ipairs(loose) do others[#others + 1] = name end
  end
  return found
end

-- What to write: {names = everybody concerned, the account first, edges = {{name, edge, till}, …}, claims = {edge, …}, bonds =
-- those that bind}. No edges: all of it is joined already. An end is put off only by more than a day; of several the latest
-- stands.
local function planned_join(user, bonds, accounts, wave_after)
  local mine, known, written = accounts[user], {[user] = true}, {}
  local plan = {names = {user}, edges = {}, claims = {}, bonds = {}}
  local function write(name, edge, till)
    local key = name .. ' ' .. edge
    if written[key] then
      written[key][3] = math.max(written[key][3], till)
    else
      written[key] = {name, edge, till}
      plan.edges[#plan.edges + 1] = written[key]
    end
  end
  local function bind(bond, others)
    if #others == 0 then return end
    local loose, till = {}, tonumber(mine.edges[bond.edge])
    for _, name in ipairs(others) do
      if not accounts[name].edges[bond.edge] then loose[#loose + 1] = name end
    end
    local apart = mine.cluster == '' or accounts[others[1]].cluster ~= mine.cluster
    if #loose == 0 and not apart and till and till >= bond.till - 86400 then return end
    for _, name in ipairs(others) do
      if not known[name] then plan.names[#plan.names + 1] = name end
      known[name] = true
    end
    write(user, bond.edge, math.max(till or bond.till, bond.till))
    for _, name in ipairs(loose) do write(name, bond.edge, bond.till) end
    if bond.claims then plan.claims[#plan.claims + 1] = bond.edge end
    plan.bonds[#plan.bonds + 1] = bond
  end
  for _, bond in ipairs(bonds) do
    if bond.wave then
      for _, each in ipairs(waves(bond, user, accounts, wave_after)) do bind(each, each.others) end
    elseif not bond.banned and not mine.out[bond.edge] then
      local others = bindable(bond, user, accounts)
      local first = bond.bound and first_bound(others, bond.edge, accounts)
      bind(bond, first and {first} or others)
    end
  end
  return plan
end
