-- Read what is new in streams for a consumer group, as far as it is of some types; what is of others is finished unread.
--
-- KEYS    the streams
-- ARGV    1 group   2 consumer   3 how many at once of a stream   4 types, between commas
-- returns for each stream {{{id, type, data, tries}, …}, entries looked at, id of the last, 1 where there may be more, else 0}
-- TTL     none: the stream is trimmed by age
--+ new_entries
local told = new_entries(KEYS, ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4])
local found = {}
for place, key in ipairs(KEYS) do found[place] = told[key] end
return found
