-- The wave that an account is in by its edges, {edge = until}; nil for none. Where it is in several, the one that sorts
-- first by its bytes, because the store tells them in any order. Needs parts/order.lua.
local function first_wave(edges)
  local found
  for edge in pairs(edges) do
    if string.sub(edge, 1, 2) == 'w:' and not (found and is_before(found, edge)) then found = edge end
  end
  return found
end
