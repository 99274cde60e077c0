-- Take back all that a decision denied, for good. An entry that has another cause stays until that ends; without any it is removed.
--
-- KEYS    1 table of lists   2 index of entries   3 when entries expire   4 stream of events   5 what the decision denies, see
--         list_deny.lua, then for each entry   its details   its hits
-- ARGV    1 id of the decision   2 how many entries the caller found in KEYS[5]   3 seconds details and hits of a removed entry are kept
--         4 oldest stream id kept   5 time now   6 TTL of what the decision denies, seconds, then for each entry
--         field of the table   id   place in the index   event of its removal   event of its change
-- returns {1, ids of those that were removed}, {0} the decision denies more than the caller found: look again
-- TTL     details and hits of what is removed: ARGV[3]; what the decision denies: ARGV[6]
--+ listed
--+ causes
local call = redis.call
local function tell(event) call('XADD', KEYS[4], 'MINID', '~', ARGV[4], '*', 'type', 'list', 'data', event) end
local undone = call('HEXISTS', KEYS[5], 'undone')
if call('HLEN', KEYS[5]) - undone ~= tonumber(ARGV[2]) then return {0} end
call('HSET', KEYS[5], 'undone', ARGV[5])
call('EXPIRE', KEYS[5], ARGV[6])
local removed, cause = {}, 'c:' .. ARGV[1]
for at = 0, (#KEYS - 5) / 2 - 1 do
  local details, hits = KEYS[6 + 2 * at], KEYS[7 + 2 * at]
  local field, id, place, gone, changed = unpack(ARGV, 7 + 5 * at, 11 + 5 * at)
  local known = call('HMGET', details, cause, 'expires_at', 'removed', 'told')
  if known[1] and not known[3] then
    call('HDEL', details, cause)
    local ends = last_cause(details)
    if not ends then
      take(field, 'd', id)
      call('HSET', details, 'removed', cause)
      call('ZREM', KEYS[2], place)
      call('ZREM', KEYS[3], id)
      call('EXPIRE', details, ARGV[3])
      call('EXPIRE', hits, ARGV[3])
      tell(gone)
    elseif ends ~= known[2] and not known[4] then
      call('HSET', details, 'expires_at', ends, 'updated_at', ARGV[5])
      stand(field, 'd', id, ends, KEYS[3])
      tell(changed)
    end
  end
  if call('HGET', details, 'removed') == cause then removed[#removed + 1] = id end
end
return {1, unpack(removed)}
