-- Remember for longer that an established customer uses entities: it goes on doing so, though nobody sees it. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 Unix time from which on it counts as having used them, where that was forgotten   3 retention, seconds
-- returns the number of entities in which it was forgotten
-- TTL     ARGV[3]
local user, found = ARGV[1], 0
for _, key in ipairs(KEYS) do
  if not redis.call('ZSCORE', key, '*' .. user) then
    found = found + redis.call('ZADD', key, 'NX', ARGV[2], user)
    redis.call('EXPIRE', key, ARGV[3])
  end
end
return found
