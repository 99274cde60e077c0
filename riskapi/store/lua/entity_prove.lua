-- Note that an account proved that entities are its own (a confirmed mailbox or number), or no longer. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 Unix time of the proof, or '' where it does not hold any more
-- returns the number of entities in which the account was found; where it is not, nothing is noted
-- TTL     left as it is: a proof does not prolong what is remembered
--+ order
--+ packed
--+ entities
local user, found, things = ARGV[1], 0, open_entities(KEYS)
for _, thing in ipairs(things) do
  if score_of(thing, user) then
    found = found + 1
    if ARGV[2] == '' then
      remove_members(thing, '%' .. user)
    else
      add_member(thing, 'NX', 6e12 + tonumber(ARGV[2]), '%' .. user)
    end
  end
end
write_entities(things)
return found
