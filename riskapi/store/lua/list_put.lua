-- Put an entry on a list, or write the one anew that has this value there already. A person's word goes before that of decisions
-- that keep it there, see list_deny.lua.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 stream of events
--         6 the batch it is put with, see riskapi/lists/batches.py (or the details again where there is none)
-- ARGV    1 field of the table   2 letter of the list   3 id of the entry   4 id the caller found in the table for this value, '' for none
--         5 what stands for the entry in the table   6 token of this attempt   7 its place in the index   8 Unix time it expires, or ''
--         9 event   10 oldest stream id kept   11 time now, which only a new entry keeps   12 may a permanent entry get an end: 1 or 0
--         13 id of the batch, or ''   14 TTL of the batch, seconds, then fields and values of the details
-- returns {'put', fields and values of what it was before}, {'again'} another entry stands there than the caller found: look again,
--         {'permanent'} it is one that never ends and stays so, {'same'} with a batch: it says all this already,
--         {'undone'} the batch was undone
-- TTL     none: an entry stands until it is removed or has expired; batch: ARGV[14]; stream: trimmed by age
--+ listed
--+ causes
local call = redis.call
local kept, held = others(ARGV[1], ARGV[2])
if held == ARGV[3] and call('HGET', KEYS[2], 'token') == ARGV[6] then return {'put'} end
if held ~= ARGV[4] then return {'again'} end
local batched, before = ARGV[13] ~= '', {}
if batched and call('HEXISTS', KEYS[6], 'undone') == 1 then return {'undone'} end
if held ~= '' then
  before = call('HGETALL', KEYS[2])
  local is, same = {}, batched and last_cause(KEYS[2]) == nil
  for at = 1, #before, 2 do is[before[at]] = before[at + 1] end
  for at = 15, #ARGV, 2 do
    local name = ARGV[at]
    same = same and (name == 'author' or name == 'updated_at' or (is[name] or '') == ARGV[at + 1])
  end
  if same then return {'same'} end
  if ARGV[12] == '0' and ARGV[8] ~= '' and is['expires_at'] == '' then return {'permanent'} end
end
kept[#kept + 1] = ARGV[5]
call('HSET', KEYS[1], ARGV[1], table.concat(kept, ' '))
if held ~= '' then forget_causes(KEYS[2]) end
call('HDEL', KEYS[2], 'batch')
call('HSET', KEYS[2], 'token', ARGV[6], unpack(ARGV, 15))
if held == '' then
  call('HSET', KEYS[2], 'created_at', ARGV[11])
  call('ZADD', KEYS[3], 0, ARGV[7])
end
if ARGV[8] ~= '' then call('ZADD', KEYS[4], ARGV[8], ARGV[3]) else call('ZREM', KEYS[4], ARGV[3]) end
if batched then
  call('HSET', KEYS[2], 'batch', ARGV[13])
  -- Of a value that a batch has twice, what it was before the first.
  call('HSETNX', KEYS[6], 'e:' .. ARGV[2] .. ARGV[1], cjson.encode({ARGV[3], before}))
  call('EXPIRE', KEYS[6], ARGV[14])
end
call('XADD', KEYS[5], 'MINID', '~', ARGV[10], '*', 'type', 'list', 'data', ARGV[9])
return {'put', unpack(before)}
