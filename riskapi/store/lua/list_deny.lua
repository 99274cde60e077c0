-- Deny a value because of a decision, once for each decision. An entry that is there already gets one cause more, and ends with the
-- last of them.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 stream of events
--         6 what the decision denies: field of the table → id of the entry, and `undone` once it was undone
-- ARGV    1 field of the table   2 id of the entry   3 id the caller found in the table for this value, '' for none
--         4 id of the decision   5 place of a new entry in the index   6 Unix time it expires, or ''   7 event   8 oldest stream id kept
--         9 time now   10 TTL of what the decision denies, seconds, then fields and values of the details of a new entry
-- returns {1, id} it is denied; {0} another entry stands there than the caller found: look again; {-1} the decision was undone
-- TTL     what the decision denies: ARGV[10]; the rest none: an entry stands until it is removed or has expired
--+ listed
--+ causes
local call = redis.call
local done = call('HMGET', KEYS[6], ARGV[1], 'undone')
if done[2] then return {-1} end
if done[1] then return {1, done[1]} end
local _, held = others(ARGV[1], 'd')
if held ~= ARGV[3] then return {0} end
call('HSET', KEYS[6], ARGV[1], ARGV[2])
call('EXPIRE', KEYS[6], ARGV[10])
local before
if held == '' then
  call('HSET', KEYS[2], 'created_at', ARGV[9], unpack(ARGV, 11))
  call('ZADD', KEYS[3], 0, ARGV[5])
else
  before = call('HGET', KEYS[2], 'expires_at') or ''
  if not last_cause(KEYS[2]) then call('HSET', KEYS[2], 'own', before) end
end
call('HSET', KEYS[2], 'c:' .. ARGV[4], ARGV[6])
local ends = last_cause(KEYS[2])
if ends == before then return {1, ARGV[2]} end
call('HSET', KEYS[2], 'expires_at', ends, 'updated_at', ARGV[9])
stand(ARGV[1], 'd', ARGV[2], ends, KEYS[4])
call('XADD', KEYS[5], 'MINID', '~', ARGV[8], '*', 'type', 'list', 'data', ARGV[7])
return {1, ARGV[2]}
