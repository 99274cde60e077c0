-- Erase a review about an account. Of a decided one the decisions stay, with who made them and why: they may be about others too,
-- and are what they can be undone by.
--
-- KEYS    1 review hash   2 3 4 5 indexes of open, claimed, escalated and decided reviews
-- ARGV    1 user_id of the account
-- returns 1, or 0 where there is no such review, or nothing left of it to erase
-- TTL     what stays keeps its own
local call, review = redis.call, KEYS[1]
local found = call('HMGET', review, 'user_id', 'status', 'place')
if found[1] ~= ARGV[1] then return 0 end
-- What people wrote and asked while it waited, and what spoke for or against the account.
local words = {reasons = true, question = true, escalation_reason = true, asked_seen = true}
local told, decided = {}, false
for _, name in ipairs(call('HKEYS', review)) do
  decided = decided or string.sub(name, 1, 2) == 'p:'
  if words[name] or string.sub(name, 1, 2) == 'n:' then told[#told + 1] = name end
end
if not decided or found[2] ~= 'decided' then
  for at = 2, #KEYS do call('ZREM', KEYS[at], found[3]) end
  call('DEL', review)
  return 1
end
for _, name in ipairs(told) do call('HDEL', review, name) end
return math.min(#told, 1)
