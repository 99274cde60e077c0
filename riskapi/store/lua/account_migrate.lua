-- Write the fields of an account in another form, unless one of them changed since it was read. Its history is whole: it has the first
-- entry too, see riskapi/accounts/stored.py.
--
-- KEYS    1 account hash
-- ARGV    of each field: its name, what was read, what takes its place
-- returns 1 when written, 0 when the account is gone or changed
-- TTL     the account keeps its own
for at = 1, #ARGV, 3 do
  if redis.call('HGET', KEYS[1], ARGV[at]) ~= ARGV[at + 1] then return 0 end
end
redis.call('HSET', KEYS[1], 'history_whole', 1)
for at = 1, #ARGV, 3 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2]) end
return 1
