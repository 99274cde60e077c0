-- Append a note to the audit log. It carries the hash of the one before, so that a note that was changed, taken out or
-- put in between shows. The oldest are dropped; of the last that was dropped number and hash are kept.
--
-- KEYS    1 notes (stream: data, number, hash)   2 the chain (hash: number and hash of the latest note; start and
--         start_hash, those of the last that was dropped; attempts), in the slot of the first
-- ARGV    1 the note as JSON   2 its SHA-256   3 its time, milliseconds   4 notes kept   5 token of the attempt, 12 characters
-- returns the number of the note, or of the latest where this attempt was noted before
-- TTL     none: the newest ARGV[4] notes stay
-- Executed twice with one token it appends one note.
--+ attempts
--+ sha256
local chain = redis.call('HMGET', KEYS[2], 'number', 'hash')
local number, before = tonumber(chain[1] or '0'), chain[2] or string.rep('0', 64)
if is_again(KEYS[2], ARGV[5]) then return number end
number = number + 1
local hash = sha256(before .. ' ' .. number .. ' ' .. ARGV[2])
-- Ids of a stream must rise, and clocks of several hosts may not.
local id, last = ARGV[3] .. '-0', redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last then
  local at, serial = string.match(last[1], '^(%d+)-(%d+)$')
  if tonumber(at) >= tonumber(ARGV[3]) then id = at .. '-' .. string.format('%.0f', tonumber(serial) + 1) end
end
redis.call('XADD', KEYS[1], id, 'data', ARGV[1], 'number', number, 'hash', hash)
redis.call('HSET', KEYS[2], 'number', number, 'hash', hash)
-- A hundred at a time: each drop costs more than a note.
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[4]) + 100 then
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 101)
  local fields = oldest[100][2]
  if fields[3] == 'number' then redis.call('HSET', KEYS[2], 'start', fields[4], 'start_hash', fields[6]) end
  redis.call('XTRIM', KEYS[1], 'MINID', oldest[101][1])
end
return number
