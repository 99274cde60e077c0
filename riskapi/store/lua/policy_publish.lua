-- Publish a version of the policy, unless another one came into force since the caller looked.
--
-- KEYS    1 versions (hash: number → JSON, `current` → mark of the one in force)
-- ARGV    1 mark the caller saw in force, '' for none   2 number of the new version   3 its mark   4 its JSON
--         5, 6 number and JSON of the file's policy, kept with the first version that replaces it
-- returns 1 published, 0 another one is in force
-- TTL     none: every decision names the version it was made under, and may be asked about for ever
-- Executed twice (a connection lost on the way back) it finds its own version, whose JSON holds a random id, and is done.
if redis.call('HGET', KEYS[1], ARGV[2]) == ARGV[4] then return 1 end
if (redis.call('HGET', KEYS[1], 'current') or '') ~= ARGV[1] then return 0 end
if ARGV[1] == '' then redis.call('HSET', KEYS[1], ARGV[5], ARGV[6]) end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4], 'current', ARGV[3])
return 1
