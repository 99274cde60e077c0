-- Tiers: the only place that changes the tier of an account that is there. What a script writes about the tier before or after may
-- say "?" for it.

local function filled(text, name, value) return (string.gsub(text, '"' .. name .. '":"%?"', '"' .. name .. '":"' .. value .. '"', 1)) end

-- Put an account in a tier: a change is one more entry of its history and an event of the stream. `before` is the tier it is in.
-- The caller counts the revision.
local function set_tier(keys, before, tier, oldest, entry, event)
  if before == tier then return end
  local function told(text) return filled(filled(text, 'from', before), 'to', tier) end
  redis.call('HSET', keys.account, 'tier', tier)
  redis.call('RPUSH', keys.history, told(entry))
  redis.call('XADD', keys.stream, 'MINID', '~', oldest, '*', 'type', 'tier', 'data', told(event))
end
