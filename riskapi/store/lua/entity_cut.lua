-- Cut an account from entities, or the entities from everybody, or take such a cut back. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id, or '' for everybody   2 cut: 1 or 0
-- returns the number of entities that are there
-- TTL     left as it is: what nobody touches is forgotten, and the cut with it; riskapi/accounts/cuts.py remembers it for good
--+ order
--+ packed
--+ entities
local user, found, things = ARGV[1], 0, open_entities(KEYS)
for _, thing in ipairs(things) do
  if is_there(thing) then
    found = found + 1
    if ARGV[2] == '1' then
      local at = user == '' and '0' or score_of(thing, user)
      if at then add_member(thing, 'NX', 9e12 + tonumber(at), '*' .. user) end
      if user ~= '' then
        for _, sign in ipairs({'', '~', '!', '$', '^', '%', '&', '#'}) do remove_members(thing, sign .. user) end
      end
    else
      local at = score_of(thing, '*' .. user)
      remove_members(thing, '*' .. user)
      if at and user ~= '' then add_member(thing, 'NX', tonumber(at) - 9e12, user) end
    end
  end
end
write_entities(things)
return found
