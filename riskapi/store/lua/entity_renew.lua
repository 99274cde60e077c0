-- Remember for longer that an established customer uses entities: it goes on doing so, though nobody sees it. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 Unix time from which on it counts as having used them, where that was forgotten   3 retention, seconds
-- returns the number of entities in which it was forgotten
-- TTL     ARGV[3]
--+ order
--+ packed
--+ entities
local user, found, things = ARGV[1], 0, open_entities(KEYS)
for _, thing in ipairs(things) do
  if not score_of(thing, '*' .. user) then
    found = found + add_member(thing, 'NX', ARGV[2], user)
    redis.call('EXPIRE', thing.key, ARGV[3])
  end
end
write_entities(things)
return found
