-- Read the reviews of a shard that wait, with what the queue shows of them, and where their accounts stand.
--
-- KEYS    1 index of open   2 of claimed   3 of escalated reviews   4 what the keys of reviews begin with   5 what those of
--         accounts begin with: whose there are only the script finds out, and all lie in one slot
-- ARGV    1 most reviews of each status, the oldest first, then fields of a review that few have
-- returns for each review a list: its status, its place in the index, its account, its score, tier and time of signup of the
--         account; then, of one that somebody claimed, handed on, or asked the customer about, those fields in their order.
--         Accounts that are there no more are left out
-- TTL     writes nothing
local call, most, fields, found = redis.call, ARGV[1], {unpack(ARGV, 2)}, {}
for at, status in ipairs({'open', 'claimed', 'escalated'}) do
  for _, place in ipairs(call('ZRANGEBYLEX', KEYS[at], '-', '+', 'LIMIT', 0, most)) do
    local review = KEYS[4] .. string.sub(place, string.find(place, ':', 1, true) + 1)
    local row = call('HMGET', review, 'user_id', 'risk_score', 'waits_until')
    local account = row[1] and call('HMGET', KEYS[5] .. row[1], 'tier', 'at') or {}
    if account[1] then
      local told = {status, place, row[1], row[2] or '', account[1], account[2] or ''}
      if at > 1 or (row[3] and row[3] ~= '0') then
        for number, value in ipairs(call('HMGET', review, unpack(fields))) do told[6 + number] = value or '' end
      end
      found[#found + 1] = told
    end
  end
end
return found
