-- Note that an account proved that entities are its own (a confirmed mailbox or number), or no longer. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id   2 Unix time of the proof, or '' where it holds no longer
-- returns the number of entities in which the account was found; where it is not, nothing is noted
-- TTL     left as it is: a proof does not prolong what is remembered
local user, found = ARGV[1], 0
for _, key in ipairs(KEYS) do
  if redis.call('ZSCORE', key, user) then
    found = found + 1
    if ARGV[2] == '' then
      redis.call('ZREM', key, '%' .. user)
    else
      redis.call('ZADD', key, 'NX', 6e12 + tonumber(ARGV[2]), '%' .. user)
    end
  end
end
return found
