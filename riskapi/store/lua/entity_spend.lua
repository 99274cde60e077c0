-- Note that an account ran out of a cap, or came near one, in the entities it touched. The latest time stands, whatever
-- the order the notes arrive in; safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 at: Unix time   3 ran out: 1 or 0   4 came near: 1 or 0
-- returns the number of entities in which the account was found
-- TTL     left as it is: spending does not prolong what is remembered
local user, at, found = ARGV[1], tonumber(ARGV[2]), 0
local call = redis.call
for _, key in ipairs(KEYS) do
  if call('ZSCORE', key, user) then
    found = found + 1
    if ARGV[3] == '1' then call('ZADD', key, 'GT', 3e12 + at, '$' .. user) end
    if ARGV[4] == '1' then call('ZADD', key, 'GT', 4e12 + at, '^' .. user) end
    -- Whoever ran out in the week before, or since, does not keep just under a cap.
    local out = tonumber(call('ZSCORE', key, '$' .. user) or nil)
    local near = out and tonumber(call('ZSCORE', key, '^' .. user) or nil)
    if near and near - 4e12 <= out - 3e12 + 604800 then call('ZREM', key, '^' .. user) end
  end
end
return found
