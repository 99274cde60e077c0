-- Note whether an entity was found to be a hub. Safe to repeat.
--
-- KEYS    1 the entity; layout as in entity_touch.lua
-- ARGV    1 Unix time   2 whether it is one: 1 or 0   3 retention, seconds
-- returns nothing
-- TTL     left as it is; of one that was forgotten meanwhile and begins anew with this: ARGV[3]
--+ order
--+ packed
--+ entities
local things = open_entities(KEYS)
local mark, other = '=h', '=n'
if ARGV[2] == '0' then mark, other = other, mark end
add_member(things[1], nil, 5e12 + tonumber(ARGV[1]), mark)
remove_members(things[1], other)
write_entities(things)
redis.call('EXPIRE', KEYS[1], ARGV[3], 'NX')
