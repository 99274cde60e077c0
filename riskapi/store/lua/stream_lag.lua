-- How far a consumer group is behind.
--
-- KEYS    1 stream
-- ARGV    1 group
-- returns {entries taken and not finished, entries not read yet or -1 where the store cannot tell}; {0, 0} without the group
-- TTL     nothing is written
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0} end
for _, row in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local found = {}
  for at = 1, #row, 2 do found[row[at]] = row[at + 1] end
  if found.name == ARGV[1] then return {found.pending, found.lag or -1} end
end
return {0, 0}
