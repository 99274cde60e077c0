-- How many accounts an entity remembers, and what became of them; whatever their number, no crowd is read.
--
-- KEYS    1 the entity; layout as in entity_touch.lua
-- ARGV    1 Unix time
-- returns {accounts, limited, abusive, established at that time, hub (0 or 1), latest use, its first one that is remembered as a
--         latest use, the first use of an account that came again}: Unix times, '' where there is none
-- TTL     left as it is
--+ order
--+ packed
--+ entities
local thing = open_entities(KEYS)[1]
local function time_of(members, region) return members[2] and string.format('%.17g', tonumber(members[2]) - region) or '' end
return {
  count_between(thing, '-inf', '(5e11'),
  count_between(thing, 5e11, '(15e11'),
  count_between(thing, 15e11, '(25e11'),
  count_between(thing, 69e11, 7e12 + tonumber(ARGV[1])),
  score_of(thing, '=h') and 1 or 0,
  time_of(members_between(thing, '-inf', '(5e11', 1, true), 0),
  time_of(members_between(thing, '-inf', '(5e11', 1), 0),
  time_of(members_between(thing, 79e11, '(89e11', 1), 8e12),
}
