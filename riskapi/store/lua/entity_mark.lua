-- Carry an account's standing (labelled abusive, limited, established) into the entities it touched. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 abusive: 1 or 0   3 limited: 1 or 0   4 Unix time since when it is established, or ''
-- returns the number of entities in which the account was found
-- TTL     left as it is: standing does not prolong what is remembered
local user, found = ARGV[1], 0
local function mark(key, member, score, on)
  if on then redis.call('ZADD', key, score, member) else redis.call('ZREM', key, member) end
end
for _, key in ipairs(KEYS) do
  local at = tonumber(redis.call('ZSCORE', key, user) or nil)
  if at then found = found + 1 end
  mark(key, '!' .. user, 2e12 + (at or 0), at and ARGV[2] == '1')
  mark(key, '~' .. user, 1e12 + (at or 0), at and ARGV[3] == '1')
  mark(key, '&' .. user, 7e12 + (tonumber(ARGV[4]) or 0), at and ARGV[4] ~= '')
end
return found
