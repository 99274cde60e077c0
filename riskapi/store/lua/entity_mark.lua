-- Carry an account's standing (labelled abusive, limited, established) into the entities it touched. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 abusive: 1 or 0   3 limited: 1 or 0   4 Unix time since when it is established, or ''
-- returns the number of entities in which the account was found
-- TTL     left as it is: standing does not prolong what is remembered
--+ order
--+ packed
--+ entities
local user, found, things = ARGV[1], 0, open_entities(KEYS)
local function mark(thing, member, score, on)
  if on then add_member(thing, nil, score, member) else remove_members(thing, member) end
end
for _, thing in ipairs(things) do
  local at = score_of(thing, user)
  if at then found = found + 1 end
  mark(thing, '!' .. user, 2e12 + (at or 0), at and ARGV[2] == '1')
  mark(thing, '~' .. user, 1e12 + (at or 0), at and ARGV[3] == '1')
  mark(thing, '&' .. user, 7e12 + (tonumber(ARGV[4]) or 0), at and ARGV[4] ~= '')
end
write_entities(things)
return found
