-- The answer to a grant as it was kept, as JSON. Releases before this one kept it by position, for a day.
local function kept_answer(kept)
  if string.sub(kept, 1, 1) == '{' then return kept end
  local old = cmsgpack.unpack(kept)
  local remaining = {}
  for w = 1, 3 do remaining[w] = old[8 + w] < 0 and old[5 + w] or math.min(old[5 + w], old[8 + w]) end
  return cjson.encode({
    reservation_id = old[2], granted = old[3], limit = old[4], retry_after = old[5] >= 0 and old[5] or nil,
    remaining = remaining, near = old[12] == 1, out = old[13] == 1, held = old[14] == 1, at = old[15], tier = old[16],
    largest = tonumber(old[17] or ''),
  })
end
