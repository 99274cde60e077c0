-- Let an entry be what it was before a batch put it, once for each value of the batch. What somebody wrote anew since stays.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 its hits   6 stream of events
--         7 the batch, see riskapi/lists/batches.py
-- ARGV    1 field of the table   2 letter of the list   3 id of the entry   4 id of the batch   5 its place in the index
--         6 seconds details and hits of a removed entry are kept   7 oldest stream id kept   8 event of its removal, or of its change
--         9 what stood for it in the table, '' where it was not there   10 Unix time it expired then, or '', then fields and values
--         of the details it had
-- returns 'removed', 'restored', 'left' (it is another by now, or gone), or 'done' where that was done before
-- TTL     details and hits of what is removed: ARGV[6]; the batch keeps its own; stream: trimmed by age
--+ listed
local call = redis.call
local name = ARGV[2] .. ARGV[1]
if call('HSETNX', KEYS[7], 'r:' .. name, 1) == 0 then return 'done' end
local function counted(what)
  call('HINCRBY', KEYS[7], what, 1)
  return what
end
local now = call('HMGET', KEYS[2], 'batch', 'removed', 'last_hit', 'told')
local kept, held = others(ARGV[1], ARGV[2])
if now[1] ~= ARGV[4] or now[2] or now[4] or held ~= ARGV[3] then return counted('left') end
call('XADD', KEYS[6], 'MINID', '~', ARGV[7], '*', 'type', 'list', 'data', ARGV[8])
if ARGV[9] == '' then
  take(ARGV[1], ARGV[2], ARGV[3])
  call('HSET', KEYS[2], 'removed', ARGV[4])
  call('ZREM', KEYS[3], ARGV[5])
  call('ZREM', KEYS[4], ARGV[3])
  call('EXPIRE', KEYS[2], ARGV[6])
  call('EXPIRE', KEYS[5], ARGV[6])
  return counted('removed')
end
kept[#kept + 1] = ARGV[9]
call('HSET', KEYS[1], ARGV[1], table.concat(kept, ' '))
call('DEL', KEYS[2])
call('HSET', KEYS[2], unpack(ARGV, 11))
if now[3] then call('HSET', KEYS[2], 'last_hit', now[3]) end
if ARGV[10] ~= '' then call('ZADD', KEYS[4], ARGV[10], ARGV[3]) else call('ZREM', KEYS[4], ARGV[3]) end
return counted('restored')
