-- Let an entry be what it was before a batch put it, once for each value of the batch. What somebody wrote anew since stays.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 its hits   6 stream of events
--         7 the batch, see riskapi/lists/batches.py
-- ARGV    1 JSON: `field` of the table, `letter` of the list, `id` of the entry, `batch`: its id, `place` of the entry in the index, `kept`:
--         seconds details and hits of a removed entry are kept, `oldest` stream id kept, `event` of its removal, or of its change,
--         `stood`: what stood for it in the table, '' where it was not there, `expires`: Unix time it expired then, or ''
--         then fields and values of the details it had
-- returns 'removed', 'restored', 'left' (it is another by now, or gone), or 'done' where that was done before
-- TTL     details and hits of what is removed: `kept`; the batch keeps its own; stream: trimmed by age
--+ listed
local call, given = redis.call, cjson.decode(ARGV[1])
local name = given.letter .. given.field
if call('HSETNX', KEYS[7], 'r:' .. name, 1) == 0 then return 'done' end
local function counted(what)
  call('HINCRBY', KEYS[7], what, 1)
  return what
end
local now = call('HMGET', KEYS[2], 'batch', 'removed', 'last_hit', 'told')
local kept, held = others(given.field, given.letter)
if now[1] ~= given.batch or now[2] or now[4] or held ~= given.id then return counted('left') end
call('XADD', KEYS[6], 'MINID', '~', given.oldest, '*', 'type', 'list', 'data', given.event)
if given.stood == '' then
  take(given.field, given.letter, given.id)
  call('HSET', KEYS[2], 'removed', given.batch)
  call('ZREM', KEYS[3], given.place)
  call('ZREM', KEYS[4], given.id)
  call('EXPIRE', KEYS[2], given.kept)
  call('EXPIRE', KEYS[5], given.kept)
  return counted('removed')
end
kept[#kept + 1] = given.stood
write(given.field, kept)
call('DEL', KEYS[2])
call('HSET', KEYS[2], unpack(ARGV, 2))
if now[3] then call('HSET', KEYS[2], 'last_hit', now[3]) end
if given.expires ~= '' then call('ZADD', KEYS[4], given.expires, given.id) else call('ZREM', KEYS[4], given.id) end
return counted('restored')
