-- Count what happened in hours and days: see riskapi/store/tallies.py.
--
-- KEYS    1 how far each stream was counted   2… the buckets
-- ARGV    1 JSON: {"token" (of this attempt, 12 characters), "stream" (its name where a stream tells it, else ""), "from", "to" (it was
--         counted up to the first id, and is up to the second then), "buckets" (in the order of their keys: "ttl" in seconds, "rows":
--         [group, id, what, name, count] each), "most" (values of which the largest is kept), "full" (fields from which on small
--         things are added up), "left" (things left of a group), "named" (count from which on a name is kept)}
-- returns 1, or 0 where this was counted before
-- TTL     buckets: their "ttl" after what was counted last; how far: never
--+ attempts
local call, ask = redis.call, cjson.decode(ARGV[1])
if ask.stream ~= '' then
  if (call('HGET', KEYS[1], ask.stream) or '0-0') ~= ask.from then return 0 end
  call('HSET', KEYS[1], ask.stream, ask.to)
elseif is_again(KEYS[2], ask.token) then
  return 0
end

-- Add up as * what is small in its group.
local function fold(key)
  local rows, sizes, small = call('HGETALL', key), {}, {}
  for at = 1, #rows, 2 do
    local group, id = string.match(rows[at], '^c:(%a+):(.*):%a+$')
    if group and id ~= '*' then
      sizes[group] = sizes[group] or {}
      sizes[group][id] = (sizes[group][id] or 0) + tonumber(rows[at + 1])
    end
  end
  for group, counts in pairs(sizes) do
    local ids = {}
    for id in pairs(counts) do ids[#ids + 1] = id end
    table.sort(ids, function(one, other) return counts[one] > counts[other] or (counts[one] == counts[other] and one < other) end)
    for at = ask.left + 1, #ids do
      small[group .. ':' .. ids[at]] = true
      call('HDEL', key, 'n:' .. group .. ':' .. ids[at])
    end
  end
  for at = 1, #rows, 2 do
    local group, id, what = string.match(rows[at], '^c:(%a+):(.*):(%a+)$')
    if group and small[group .. ':' .. id] then
      call('HINCRBY', key, 'c:' .. group .. ':*:' .. what, rows[at + 1])
      call('HDEL', key, rows[at])
    end
  end
end

for number, bucket in ipairs(ask.buckets) do
  local key = KEYS[number + 1]
  for _, row in ipairs(bucket.rows) do
    local group, id, what, name, count = row[1], row[2], row[3], row[4], row[5]
    local found = call('HINCRBY', key, 'c:' .. group .. ':' .. id .. ':' .. what, count)
    if name ~= '' and found >= ask.named then call('HSET', key, 'n:' .. group .. ':' .. id, name) end
  end
  for what, value in pairs(ask.most) do
    if value > tonumber(call('HGET', key, 'm:' .. what) or -1) then call('HSET', key, 'm:' .. what, value) end
  end
  if call('HLEN', key) > ask.full then fold(key) end
  call('EXPIRE', key, bucket.ttl)
end
return 1
