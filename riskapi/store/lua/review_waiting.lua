-- Read the reviews of a shard that wait, with what the queue shows of them, and where their accounts stand.
--
-- KEYS    1 index of open   2 of claimed   3 of escalated reviews   4 what the keys of reviews begin with   5 what those of
--         accounts begin with: whose there are only the script finds out, and all lie in one slot
-- ARGV    1 most reviews of each status, the oldest first, then the fields of a review
-- returns for each review a list: the fields in their order, then tier and time of signup of its account; accounts that are
--         there no more are left out
-- TTL     writes nothing
local call, fields, found = redis.call, {unpack(ARGV, 2)}, {}
for at = 1, 3 do
  for _, place in ipairs(call('ZRANGEBYLEX', KEYS[at], '-', '+', 'LIMIT', 0, ARGV[1])) do
    local row = call('HMGET', KEYS[4] .. string.match(place, ':(.*)$'), 'user_id', unpack(fields))
    local account = row[1] and call('HMGET', KEYS[5] .. row[1], 'tier', 'at') or {}
    if account[1] then
      row[#fields + 2], row[#fields + 3] = account[1], account[2] or ''
      for number = 1, #fields + 1 do row[number] = row[number] or '' end
      found[#found + 1] = row
    end
  end
end
return found
