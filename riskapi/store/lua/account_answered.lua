-- Put another first answer in the place of one that nobody was told: the store went away between its writing and the reply, and the
-- caller was answered without it. The history is whole from then on, see riskapi/accounts/stored.py.
--
-- KEYS    1 account hash   2 history list   3 decisions stream   4 review that the account was written with, or the account again
-- ARGV    1 TTL of the history, seconds   2 field `assessment` as it was read   3 what takes its place   4 answer it gave, the latest
--         where the account was not decided again since   5 first entry of the history   6 tier that the caller was told
--         7 event about the tier it is in, with "to":"?"   8 JSON: `oldest` stream id kept, and of the review its `reasons`, which the
--         first answer said
-- returns 1 when written, 0 when the account is gone or changed
-- TTL     the account and the review keep their own; history: ARGV[1]; stream: trimmed by age
local call, given = redis.call, cjson.decode(ARGV[8])
local known = call('HMGET', KEYS[1], 'assessment', 'tier')
if known[1] ~= ARGV[2] or not known[2] then return 0 end
call('HSET', KEYS[1], 'assessment', ARGV[3], 'history_whole', 1)
call('HSETNX', KEYS[1], 'latest', ARGV[4])
call('HDEL', KEYS[1], 'first_until', 'first_cause')
call('LPUSH', KEYS[2], ARGV[5])
call('EXPIRE', KEYS[2], ARGV[1])
if given.reasons and call('EXISTS', KEYS[4]) == 1 then call('HSETNX', KEYS[4], 'reasons', given.reasons) end
if known[2] ~= ARGV[6] then
  call('XADD', KEYS[3], 'MINID', '~', given.oldest, '*', 'type', 'tier', 'data', (string.gsub(ARGV[7], '"to":"%?"', '"to":"' .. known[2] .. '"', 1)))
end
return 1
