-- Note that entities bind their accounts into a cluster now, or no longer do. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 binds: 1 or 0
-- returns the number of entities that bind now: one that nobody touched is not made by a note about it
-- TTL     left as it is
local found = 0
for _, key in ipairs(KEYS) do
  if ARGV[1] == '0' then
    redis.call('ZREM', key, '=')
  elseif redis.call('EXISTS', key) == 1 then
    redis.call('ZADD', key, 5e12, '=')
    found = found + 1
  end
end
return found
