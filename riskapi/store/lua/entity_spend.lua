-- Note that an account ran out of a cap, or came near one, in the entities it touched. The latest time stands, whatever
-- the order the notes arrive in; safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 at: Unix time   3 ran out: 1 or 0   4 came near: 1 or 0
-- returns the number of entities in which the account was found
-- TTL     left as it is: spending does not prolong what is remembered
--+ order
--+ packed
--+ entities
local user, at, found, things = ARGV[1], tonumber(ARGV[2]), 0, open_entities(KEYS)
for _, thing in ipairs(things) do
  if score_of(thing, user) then
    found = found + 1
    if ARGV[3] == '1' then add_member(thing, 'GT', 3e12 + at, '$' .. user) end
    if ARGV[4] == '1' then add_member(thing, 'GT', 4e12 + at, '^' .. user) end
    -- Whoever ran out in the week before, or since, does not keep just under a cap.
    local out = score_of(thing, '$' .. user)
    local near = out and score_of(thing, '^' .. user)
    if near and near - 4e12 <= out - 3e12 + 604800 then remove_members(thing, '^' .. user) end
  end
end
write_entities(things)
return found
