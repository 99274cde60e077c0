-- Forget consumers of a stream's groups that have nothing in hand and were not heard of for long; trim what is too old.
--
-- KEYS    1 stream   2 dead letters
-- ARGV    1 milliseconds of silence   2 oldest stream id kept
-- returns the number of consumers forgotten
-- TTL     none: this is what trims the streams by age
local gone = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group[2])) do
      local found = {}
      for at = 1, #row, 2 do found[row[at]] = row[at + 1] end
      if found.pending == 0 and found.idle > tonumber(ARGV[1]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group[2], found.name)
        gone = gone + 1
      end
    end
  end
  redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
return gone
