-- What a join is told of each bond, read: `bonds` has {edge, till, others, …} as parts/joins.lua takes them. Who shares a thing is
-- read from the thing itself only where nobody of those told stands for all. `short` has the edges of things that are not here to
-- be read. For cluster_join.lua, whose names it goes by. Needs `entities` and `joins`.

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
