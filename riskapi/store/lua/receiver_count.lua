-- Count what receiving domains did with mail in one hour: see riskapi/feedback/platform/receivers.py.
--
-- KEYS    1 the hour's hash
-- ARGV    1 JSON: {"token" (of this attempt, 12 characters), "domains" ([id, name, attempted, blocked] each), "delivered",
--         "kept" (domains kept), "named" (recipients from which on a name is kept), "ttl" (seconds)}
-- returns 1, or 0 where this attempt was counted before
-- TTL     "ttl" after the last event
--+ attempts
local ask = cjson.decode(ARGV[1])
local key = KEYS[1]
if is_again(key, ask.token) then return 0 end
for _, row in ipairs(ask.domains) do
  local id, name, attempted, blocked = row[1], row[2], row[3], row[4]
  local found = redis.call('HINCRBY', key, 'a:' .. id, attempted)
  if blocked > 0 then redis.call('HINCRBY', key, 'b:' .. id, blocked) end
  if found >= ask.named then redis.call('HSET', key, 'n:' .. id, name) end
end
if ask.delivered > 0 then redis.call('HINCRBY', key, 'delivered', ask.delivered) end

-- Far more than are kept: the small ones become one.
if redis.call('HLEN', key) > 6 * ask.kept then
  local rows, sizes = redis.call('HGETALL', key), {}
  for at = 1, #rows, 2 do
    local id = string.match(rows[at], '^a:(%x+)$')
    if id then sizes[#sizes + 1] = {id, tonumber(rows[at + 1])} end
  end
  table.sort(sizes, function(one, other) return one[2] > other[2] or (one[2] == other[2] and one[1] < other[1]) end)
  for at = ask.kept + 1, #sizes do
    local id = sizes[at][1]
    redis.call('HINCRBY', key, 'a:*', sizes[at][2])
    redis.call('HINCRBY', key, 'b:*', tonumber(redis.call('HGET', key, 'b:' .. id) or 0))
    redis.call('HDEL', key, 'a:' .. id, 'b:' .. id, 'n:' .. id)
  end
end
redis.call('EXPIRE', key, ask.ttl)
return 1
