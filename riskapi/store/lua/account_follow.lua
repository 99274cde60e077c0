-- Write what an account has by now: its signup with a changed address or number, what it touched, what it proved.
--
-- KEYS    1 account hash
-- ARGV    1 TTL of the account, seconds   what was read ('' where there was none): 2 the signup that was changed before, 3 entities,
--         4 proofs, 5 things of its own   6 to 9 what takes their place ('' for none)
-- returns {} for an unknown account, {'again'} when one of them changed since it was read, else {'written'}
-- TTL     ARGV[1]
local call = redis.call
local account = call('HMGET', KEYS[1], 'signup', 'entities', 'proved', 'things')
if call('EXISTS', KEYS[1]) == 0 then return {} end
for at = 1, 4 do
  if (account[at] or '') ~= ARGV[1 + at] then return {'again'} end
end
for at, name in ipairs({'signup', 'entities', 'proved', 'things'}) do
  if ARGV[5 + at] == '' then call('HDEL', KEYS[1], name) else call('HSET', KEYS[1], name, ARGV[5 + at]) end
end
call('HINCRBY', KEYS[1], 'revision', 1)
call('EXPIRE', KEYS[1], ARGV[1])
return {'written'}
