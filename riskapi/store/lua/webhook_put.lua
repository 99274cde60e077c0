-- Make, change or delete an endpoint, if it still is as it was read.
--
-- KEYS    1 all endpoints (hash)
-- ARGV    1 id   2 what it was, or '' for a new one   3 what it is to be, or '' to delete it   4 most endpoints there may be
-- returns 'put', 'changed' when it is not what it was, or 'full'; the same again gets 'put'
-- TTL     none, see riskapi/webhooks/endpoints.py
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found == ARGV[3] then return 'put' end
if found ~= ARGV[2] then return 'changed' end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 'put'
end
if found == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'put'
