-- Pause an account, with the event about it. Safe to run twice.
--
-- KEYS    1 account hash   2 decisions stream
-- ARGV    1 TTL of the account, seconds   2 pause as JSON   3 Unix time it ends, '' for when a person ends it
--         4 event   5 oldest stream id kept
-- returns the account's revision after it, or -1 where nothing changed: there is no such account, or it is paused
--         for as long already
-- TTL     account: ARGV[1]; stream: trimmed by age
local account = redis.call('HMGET', KEYS[1], 'tier', 'paused', 'paused_until')
if not account[1] then return -1 end
local before = account[2] and (account[3] == '' and math.huge or tonumber(account[3] or 0)) or -1
local ends = ARGV[3] == '' and math.huge or tonumber(ARGV[3])
if ends <= before then return -1 end
redis.call('HSET', KEYS[1], 'paused', ARGV[2], 'paused_until', ARGV[3])
redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[5], '*', 'type', 'pause', 'data', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'revision', 1)
