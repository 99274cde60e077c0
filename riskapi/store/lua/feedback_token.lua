-- Take the token of a signed request for a body: see riskapi/feedback/feeds/tokens.py.
--
-- KEYS    1 the token
-- ARGV    1 SHA-256 of the body   2 TTL, seconds
-- returns 'taken' where it is this body's (also when taken again), 'spent' where it is used up, 'other' where it is
--         another body's
-- TTL     ARGV[2], from when it was first taken
local holder = redis.call('GET', KEYS[1])
if not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  return 'taken'
end
if holder == ARGV[1] then return 'taken' end
if holder == 'spent' then return 'spent' end
return 'other'
