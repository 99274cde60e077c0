-- Whether a text is before another by its bytes: `<` goes by the language that the server was started in.
local function is_before(one, other)
  for at = 1, math.min(#one, #other) do
    local mine, theirs = string.byte(one, at), string.byte(other, at)
    if mine ~= theirs then return mine < theirs end
  end
  return #one < #other
end
