-- Note that things are an account's own, or no longer: it is not bound by them to those who only claim them.
--
-- KEYS    1 budget of the account
-- ARGV    1 proved: 1 or 0   2 whether it also keeps the account out of waves: 1 or 0   3 TTL of budgets, then the things, as
--         edges are called
-- returns 1
-- TTL     ARGV[3]
for at = 4, #ARGV do
  if ARGV[1] == '1' then
    redis.call('HSET', KEYS[1], 'p:' .. ARGV[at], 1)
  else
    redis.call('HDEL', KEYS[1], 'p:' .. ARGV[at])
  end
end
if ARGV[2] == '1' then redis.call('HSET', KEYS[1], 'proof', 1) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
