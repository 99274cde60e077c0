-- The wave that an account is in by its edges, {edge = until}: of several the first by its bytes, in whatever order the store
-- tells them; nil for none. Needs parts/order.lua.
local function first_wave(edges)
  local found
  for edge in pairs(edges) do
    if string.sub(edge, 1, 2) == 'w:' and not (found and is_before(found, edge)) then found = edge end
  end
  return found
end
