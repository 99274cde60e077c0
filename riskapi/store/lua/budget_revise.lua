-- Have grants in flight read the account again that read it before a revision. Safe to repeat, in whatever order.
--
-- KEYS    1 budget of the account
-- ARGV    1 revision of the account   2 TTL of budgets
-- returns 1, or 0 where a grant knows of that revision already
-- TTL     ARGV[2]
if tonumber(redis.call('HGET', KEYS[1], 'revision') or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
