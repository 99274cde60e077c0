-- The marks of an entity, told and forgotten: for entity_touch.lua, whose names it goes by. Needs `entities` and `newest`.

-- How many accounts other than the toucher have a mark of one sort between two times. `is_new`: the toucher has none, because
-- whoever was not there is not marked.
local function others_marked(thing, sign, region, from, is_new)
  local count = count_between(thing, region + from, region + last)
  if count == 0 or is_new then return count end
  local own = score_of(thing, sign .. user)
  return own and own >= region + from and own <= region + last and count - 1 or count
end

-- Who holds the entity: the accounts that proved it; else the oldest account, if it was an established customer when the next came ('first',
-- and named first), and established customers who have used it for long.
local function holders(thing)
  local proofs = names_between(thing, 59e11, '(69e11', MOST_HOLDERS)
  for i, name in ipairs(proofs) do proofs[i] = string.sub(name, 2) end
  if #proofs > 0 then return proofs, 'proof' end
  if count_between(thing, 69e11, 7e12 + at) == 0 then return {}, '' end
  local region, sign = 8e12, 1
  local early = members_between(thing, 79e11, '(89e11', MOST_HOLDERS)
  if #early == 0 then
    region, sign = 0, 0
    early = members_between(thing, '-inf', '(5e11', MOST_HOLDERS)
  end
  local found, how = {}, 'use'
  for i = 1, #early, 2 do
    local name, first = string.sub(early[i], 1 + sign), tonumber(early[i + 1]) - region
    if i > 1 and first > at - long then break end
    local since = score_of(thing, '&' .. name)
    since = since and since - 7e12
    local before = i == 1 and since and (not early[4] or tonumber(early[4]) - region >= since)
    if since and since <= at and (before or first <= at - long) then found[#found + 1] = name end
    if before and since <= at then how = 'first' end
  end
  return found, #found > 0 and how or ''
end

-- The marks of an entity, to be read like one: of a crowd they are the newest by far, and told already where they end among
-- those. They are asked for anew where this touch changes them.
local function marks_of(i, thing, list)
  if thing.packed or stands == 'GT' or is_proved(i) or (not list.whole and bottom_of(list) >= 5e11) then return thing end
  local found, told = {}, list.told
  for j = 1, 2 * list.size, 2 do
    local score = score_at(list, (j + 1) / 2)
    if score < 5e11 then break end
    found[j], found[j + 1] = told[j], score
  end
  return {packed = true, list = found}
end

-- What is told of an entity with the ten parts that marks add. Only asked where there are marks at all.
local function with_marks(row, thing, marks, since, holdable)
  local binds, day, week, latest, near_cap = score_of(marks, '=') and 1 or 0, 0, 0, 0, 0
  if count_between(marks, 29e11, '(49e11') > 0 then
    week = others_marked(marks, '$', 3e12, at - 604800)
    if week > 0 then day = others_marked(marks, '$', 3e12, at - 86400) end
    local newest = members_between(marks, 3e12 + since, 3e12 + last, 2, true)
    local time = newest[newest[1] == '$' .. user and 4 or 2]
    if time then latest = math.max(0, time - 3e12) end
    near_cap = others_marked(marks, '^', 4e12, at - 604800)
  end
  local names, how, abusive, limited = {}, '', 0, 0
  if holdable and count_between(marks, 59e11, '(79e11') > 0 then
    names, how = holders(thing)
    for _, name in ipairs(names) do
      if name ~= user and score_of(marks, '!' .. name) then abusive = abusive + 1 end
      if name ~= user and score_of(marks, '~' .. name) then limited = limited + 1 end
    end
  end
  local hub, none = score_of(marks, '=h'), score_of(marks, '=n')
  local looked = tostring(hub and hub - 5e12 or none and 5e12 - none or 0)
  return {row, binds, day, week, latest, near_cap, table.concat(names, ' '), how, abusive, limited, looked}
end

-- Take away what is older than retention. The account that used the entity first is kept as long as it goes on
-- using it; what an account is or proved is kept as long as the account.
local function prune(thing, since)
  for _, region in ipairs({0, 1e12, 2e12, 3e12, 4e12}) do
    remove_between(thing, region > 0 and region - 1e11 or '-inf', '(' .. string.format('%.17g', region + since))
  end
  for _, name in ipairs(names_between(thing, 79e11, '(' .. string.format('%.17g', 8e12 + since), 100)) do
    if score_of(thing, string.sub(name, 2)) then
      add_member(thing, 'XX', 8e12 + since, name)
    else
      remove_members(thing, name)
    end
  end
  for _, name in ipairs(names_between(thing, 59e11, '(79e11', ALL)) do
    if not score_of(thing, string.sub(name, 2)) then remove_members(thing, name) end
  end
end
