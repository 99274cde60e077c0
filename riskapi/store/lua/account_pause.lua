-- Pause an account for what itself met, with the event about it. Safe to run twice.
--
-- KEYS    1 account hash   2 decisions stream
-- ARGV    1 TTL of the account, seconds   2 pause as JSON   3 Unix time it ends, '' for when a person ends it
--         4 event   5 oldest stream id kept
-- returns the account's revision after it, or -1 where nothing changed: there is no such account, or it is paused
--         for as long already; by others for longer: then this pause is kept as `paused_own`, for when that ends
-- TTL     account: ARGV[1]; stream: trimmed by age
local call = redis.call
local account = call('HMGET', KEYS[1], 'tier', 'paused', 'paused_until')
if not account[1] then return -1 end
local function ending(till) return till == '' and math.huge or tonumber(till or 0) end
local linked = account[2] and string.find(account[2], '"linked":true', 1, true)
local before, ends = account[2] and ending(account[3]) or -1, ending(ARGV[3])
if linked and ends < before then
  local own = call('HGET', KEYS[1], 'paused_own')
  if own and ending(string.match(own, '"expires_at":([%d.]+)') or '') >= ends then return -1 end
  call('HSET', KEYS[1], 'paused_own', ARGV[2])
  call('HINCRBY', KEYS[1], 'revision', 1)
  return -1
end
if ends <= before and not linked then return -1 end
call('HSET', KEYS[1], 'paused', ARGV[2], 'paused_until', ARGV[3])
call('HDEL', KEYS[1], 'paused_own')
call('XADD', KEYS[2], 'MINID', '~', ARGV[5], '*', 'type', 'pause', 'data', ARGV[4])
call('EXPIRE', KEYS[1], ARGV[1])
return call('HINCRBY', KEYS[1], 'revision', 1)
