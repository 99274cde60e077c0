-- Tiers: the only place that changes the tier of an account that is there. What a script writes about the tier before or after may
-- say "?" for it.

local function filled(text, name, value) return (string.gsub(text, '"' .. name .. '":"%?"', '"' .. name .. '":"' .. value .. '"', 1)) end

-- Put an account in a tier: a change is one more entry of its history and an event of the stream. `before` is the tier it is in.
-- The caller counts the revision. Of an account that bears what others brought, the entry is also written where the tier stays:
-- what put it there is this from then on.
local function set_tier(keys, before, tier, oldest, entry, event)
  local function told(text) return filled(filled(text, 'from', before), 'to', tier) end
  if before == tier then
    if redis.call('HEXISTS', keys.account, 'restrictions') == 1 then redis.call('RPUSH', keys.history, told(entry)) end
    return
  end
  redis.call('HSET', keys.account, 'tier', tier)
  redis.call('RPUSH', keys.history, told(entry))
  redis.call('XADD', keys.stream, 'MINID', '~', oldest, '*', 'type', 'tier', 'data', told(event))
end
