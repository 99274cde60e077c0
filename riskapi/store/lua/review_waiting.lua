-- Read reviews of a shard that wait, with what the queue shows of them, and where their accounts stand.
--
-- KEYS    1 what the keys of reviews begin with   2 what those of accounts begin with: whose there are only the script finds out,
--         and all lie in one slot
-- ARGV    1 how many fields, then those fields of a review that few have, then the ids of the reviews
-- returns for each review a list: its status, its place in the index, its account, its score, tier and time of signup of the
--         account; then, of one that somebody claimed, handed on, or asked the customer about, those fields in their order.
--         Reviews that are decided, and those of accounts that are there no more, are left out
-- TTL     writes nothing
local call, last, found = redis.call, 1 + ARGV[1], {}
local fields = {unpack(ARGV, 2, last)}
for at = last + 1, #ARGV do
  local review = KEYS[1] .. ARGV[at]
  local row = call('HMGET', review, 'status', 'place', 'user_id', 'risk_score', 'waits_until')
  local account = row[3] and row[1] and row[1] ~= 'decided' and call('HMGET', KEYS[2] .. row[3], 'tier', 'at') or {}
  if account[1] then
    local told = {row[1], row[2] or '', row[3], row[4] or '', account[1], account[2] or ''}
    if row[1] ~= 'open' or (row[5] and row[5] ~= '0') then
      for number, value in ipairs(call('HMGET', review, unpack(fields))) do told[6 + number] = value or '' end
    end
    found[#found + 1] = told
  end
end
return found
