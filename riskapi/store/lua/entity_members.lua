-- The members of an entity between two limits of scores.
--
-- KEYS    1 the entity; layout as in entity_touch.lua
-- ARGV    1 the lowest score, 2 the highest, as ZRANGEBYSCORE has them   3 the most that are told   4 'newest' or 'oldest': which
--         come first   5 'names', or 'scores' to be told the score behind each
-- returns the members, each with its score behind it where that is asked for
-- TTL     left as it is
--+ order
--+ packed
--+ entities
local asked = ARGV[5] == 'names' and names_between or members_between
return asked(open_entities(KEYS)[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == 'newest')
