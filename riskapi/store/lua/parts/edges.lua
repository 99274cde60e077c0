-- What binds an account, from all the fields of its budget: {cluster = its id or '', edges = {edge = until, as a text}, out = {edge =
-- true} for those it is not bound by (cut, or proved to be its own), aside = whether a proof, or a cut from one, keeps it out
-- of waves, spends = what it spent, packed, bad = whether it is labelled abusive, is_new = whether nothing is there, and
-- revision, first, hold and hold_until as they are there}.
local OF_USAGE = {spends = true, revision = true, first = true, hold = true, hold_until = true}
local function bound_by(budget)
  local fields = redis.call('HGETALL', budget)
  local found = {cluster = '', edges = {}, out = {}, aside = false, is_new = #fields == 0}
  for at = 1, #fields, 2 do
    local name, value = fields[at], fields[at + 1]
    local sort, edge = string.sub(name, 1, 2), string.sub(name, 3)
    if sort == 'b:' then
      found.edges[edge] = value
    elseif sort == 'x:' or sort == 'p:' then
      found.out[edge] = true
      found.aside = found.aside or string.sub(edge, 1, 2) == 'w:'
    elseif name == 'cluster' then
      found.cluster = value
    elseif name == 'proof' then
      found.aside = true
    elseif name == 'bad' then
      found.bad = true
    elseif OF_USAGE[name] then
      found[name] = value
    end
  end
  return found
end

-- A list as JSON: cjson takes an empty one for an object.
local function listed(values)
  return #values > 0 and cjson.encode(values) or '[]'
end

-- The first of them, as many as are named at most.
local function some(values, most)
  local found = {}
  for at = 1, math.min(#values, most) do found[at] = values[at] end
  return found
end
