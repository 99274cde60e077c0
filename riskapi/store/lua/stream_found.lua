-- Make consumer groups of a stream that are not there yet, and the stream with them. Safe to repeat.
--
-- KEYS    1 stream
-- ARGV    1 id after which a new group reads, then the groups
-- returns the number of groups made
-- TTL     none: the stream is trimmed by age
local made = 0
for at = 2, #ARGV do
  local reply = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[at], ARGV[1], 'MKSTREAM')
  if not reply.err then
    made = made + 1
  elseif not string.find(reply.err, '^BUSYGROUP') then
    return reply
  end
end
return made
