-- Cut an account from entities, or the entities from everybody, or take such a cut back. Safe to repeat.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster; layout as in entity_touch.lua
-- ARGV    1 user_id, or '' for everybody   2 cut: 1 or 0
-- returns the number of entities that are there
-- TTL     left as it is: what nobody touches is forgotten, and the cut with it; riskapi/accounts/cuts.py remembers it for good
local user, found = ARGV[1], 0
local call = redis.call
for _, key in ipairs(KEYS) do
  if call('EXISTS', key) == 1 then
    found = found + 1
    if ARGV[2] == '1' then
      local at = user == '' and '0' or call('ZSCORE', key, user)
      if at then call('ZADD', key, 'NX', 9e12 + tonumber(at), '*' .. user) end
      if user ~= '' then
        for _, sign in ipairs({'', '~', '!', '$', '^', '%', '&', '#'}) do call('ZREM', key, sign .. user) end
      end
    else
      local at = call('ZSCORE', key, '*' .. user)
      call('ZREM', key, '*' .. user)
      if at and user ~= '' then call('ZADD', key, 'NX', tonumber(at) - 9e12, user) end
    end
  end
end
return found
