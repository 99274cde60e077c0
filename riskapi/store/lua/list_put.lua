-- Put an entry on a list, or write the one anew that has this value there already. A person's word goes before that of decisions
-- that keep it there, see list_deny.lua.
--
-- KEYS    1 table of lists   2 details of the entry   3 index of entries   4 when entries expire   5 stream of events
--         6 the batch it is put with, see riskapi/lists/batches.py (or the details again where there is none)
-- ARGV    1 JSON: `field` of the table, `letter` of the list, `id` of the entry, `held`: id the caller found in the table for this value, ''
--         for none, `stands`: what stands for the entry in the table, `token` of this attempt, its `place` in the index, `expires`: Unix
--         time it expires, or '', `event`, `oldest` stream id kept, `now`, which only a new entry keeps, `shortens`: may a permanent
--         entry get an end, `batch`: id of the batch, or '', `kept`: TTL of the batch, seconds
--         then fields and values of the details
-- returns {'put', fields and values of what it was before}, {'again'} another entry stands there than the caller found: look again,
--         {'permanent'} it is one that never ends and stays so, {'same'} with a batch: it says all this already,
--         {'undone'} the batch was undone
-- TTL     none: an entry stands until it is removed or has expired; batch: `kept`; stream: trimmed by age
--+ listed
--+ causes
local call, given = redis.call, cjson.decode(ARGV[1])
local kept, held = others(given.field, given.letter)
if held == given.id and call('HGET', KEYS[2], 'token') == given.token then return {'put'} end
if held ~= given.held then return {'again'} end
local batched, before = given.batch ~= '', {}
if batched and call('HEXISTS', KEYS[6], 'undone') == 1 then return {'undone'} end
if held ~= '' then
  before = call('HGETALL', KEYS[2])
  local is, same = {}, batched and last_cause(KEYS[2]) == nil
  for at = 1, #before, 2 do is[before[at]] = before[at + 1] end
  for at = 2, #ARGV, 2 do
    local name = ARGV[at]
    same = same and (name == 'author' or name == 'updated_at' or (is[name] or '') == ARGV[at + 1])
  end
  if same then return {'same'} end
  if not given.shortens and given.expires ~= '' and is['expires_at'] == '' then return {'permanent'} end
end
kept[#kept + 1] = given.stands
write(given.field, kept)
if held ~= '' then forget_causes(KEYS[2]) end
call('HDEL', KEYS[2], 'batch')
call('HSET', KEYS[2], 'token', given.token, unpack(ARGV, 2))
if held == '' then
  call('HSET', KEYS[2], 'created_at', given.now)
  call('ZADD', KEYS[3], 0, given.place)
end
if given.expires ~= '' then call('ZADD', KEYS[4], given.expires, given.id) else call('ZREM', KEYS[4], given.id) end
if batched then
  call('HSET', KEYS[2], 'batch', given.batch)
  -- Of a value that a batch has twice, what it was before the first.
  call('HSETNX', KEYS[6], 'e:' .. given.letter .. given.field, cjson.encode({given.id, before}))
  call('EXPIRE', KEYS[6], given.kept)
end
call('XADD', KEYS[5], 'MINID', '~', given.oldest, '*', 'type', 'list', 'data', given.event)
return {'put', unpack(before)}
