-- What binds an account, from all the fields of its budget:
--   cluster   its id or ''
--   edges     {edge = until, as a text}
--   out       {edge = true} for those it is not bound by (cut, or proved to be its own)
--   aside     whether a proof, or a cut from one, keeps it out of waves
--   is_new    whether nothing is there
-- and as they are there: spends (packed), revision, first, hold, hold_until, bad (where it is labelled abusive), proof.
local AS_THEY_ARE = {
  cluster = true, spends = true, revision = true, first = true, hold = true, hold_until = true, bad = true, proof = true,
}
local function bound_by(budget)
  local fields = redis.call('HGETALL', budget)
  local found = {cluster = '', edges = {}, out = {}, aside = false, is_new = #fields == 0}
  for at = 1, #fields, 2 do
    local name, value = fields[at], fields[at + 1]
    if AS_THEY_ARE[name] then
      found[name] = value
    else
      local sort = string.sub(name, 1, 2)
      if sort == 'b:' then
        found.edges[string.sub(name, 3)] = value
      elseif sort == 'x:' or sort == 'p:' then
        local edge = string.sub(name, 3)
        found.out[edge] = true
        found.aside = found.aside or string.sub(edge, 1, 2) == 'w:'
      end
    end
  end
  found.aside = found.aside or found.proof ~= nil
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
