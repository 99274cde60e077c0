-- Deny a value because of a decision, once for each decision. An entry that is there already gets one cause more, and ends with the
-- last of them.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 stream of events
--         6 what the decision denies: field of the table → id of the entry, and `undone` once it was undone
-- ARGV    1 JSON: `field` of the table, `id` of the entry, `held`: id the caller found in the table for this value, '' for none,
--         `decision`: its id, `place` of a new entry in the index, `expires`: Unix time it expires, or '', `event`, `oldest` stream id
--         kept, `now`, `ttl` of what the decision denies, seconds
--         then fields and values of the details of a new entry
-- returns {1, id} it is denied; {0} another entry stands there than the caller found: look again; {-1} the decision was undone
-- TTL     what the decision denies: `ttl`; the rest none: an entry stands until it is removed or has expired
--+ listed
--+ causes
local call, given = redis.call, cjson.decode(ARGV[1])
local done = call('HMGET', KEYS[6], given.field, 'undone')
if done[2] then return {-1} end
if done[1] then return {1, done[1]} end
local _, held = others(given.field, 'd')
if held ~= given.held then return {0} end
call('HSET', KEYS[6], given.field, given.id)
call('EXPIRE', KEYS[6], given.ttl)
local before
if held == '' then
  call('HSET', KEYS[2], 'created_at', given.now, unpack(ARGV, 2))
  call('ZADD', KEYS[3], 0, given.place)
else
  before = call('HGET', KEYS[2], 'expires_at') or ''
  if not last_cause(KEYS[2]) then call('HSET', KEYS[2], 'own', before) end
end
call('HSET', KEYS[2], 'c:' .. given.decision, given.expires)
local ends = last_cause(KEYS[2])
if ends == before then return {1, given.id} end
call('HSET', KEYS[2], 'expires_at', ends, 'updated_at', given.now)
stand(given.field, 'd', given.id, ends, KEYS[4])
call('XADD', KEYS[5], 'MINID', '~', given.oldest, '*', 'type', 'list', 'data', given.event)
return {1, given.id}
