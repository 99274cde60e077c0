-- Take accounts out of entities, as if they had never touched them. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    the user_ids
-- returns nothing
-- TTL     left as it is
--+ order
--+ packed
--+ entities
local things = open_entities(KEYS)
for _, thing in ipairs(things) do
  for _, user in ipairs(ARGV) do
    remove_members(thing, user, '~' .. user, '!' .. user, '$' .. user, '^' .. user, '%' .. user, '&' .. user, '#' .. user)
  end
end
write_entities(things)
