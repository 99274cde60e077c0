-- Note that entities bind their accounts into a cluster now, or no longer do. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 binds: 1 or 0
-- returns the number of entities that bind now: one that nobody touched is not made by a note about it
-- TTL     left as it is
--+ order
--+ packed
--+ entities
local found, things = 0, open_entities(KEYS)
for _, thing in ipairs(things) do
  if ARGV[1] == '0' then
    remove_members(thing, '=')
  elseif is_there(thing) then
    add_member(thing, nil, 5e12, '=')
    found = found + 1
  end
end
write_entities(things)
return found
