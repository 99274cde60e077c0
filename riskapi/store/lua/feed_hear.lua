-- Note that a feed was heard of, or that requests with a bad signature came in its name: see
-- riskapi/feedback/platform/feed_activity.py.
--
-- KEYS    1 the feeds   2 the feed's hash   3 hash of the feed that stands for it where there are too many
-- ARGV    1 JSON: {"token" (of this attempt, 12 characters), "feed", "other" (the feed of KEYS[3]), "now" (Unix time),
--         "good" (bodies), "parts" (understood), "missed" (not understood), "bad" (requests), "named" (whether a caller chose the
--         name), "most" (such feeds there may be),
--         "factor" and "least" (what clips a pause, seconds), "young" (seconds in which none is clipped), "hours" and
--         "days" (kept), "weight" (of one request in the share of bad ones), "ttl" (seconds)}
-- returns 1, or 0 where this attempt was counted before
-- TTL     both "ttl" after the feed was heard of last
--+ attempts
local ask = cjson.decode(ARGV[1])
local feed, key, now = ask.feed, KEYS[2], ask.now
-- Names that callers choose are bounded; the others always have their place.
if ask.named and redis.call('HEXISTS', KEYS[1], feed) == 0 then
  local named = 0
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do if string.find(name, ':', 1, true) then named = named + 1 end end
  if named >= ask.most then feed, key = ask.other, KEYS[3] end
end
if is_again(key, ask.token) then return 0 end
local hour, day = math.floor(now / 3600), math.floor(now / 86400)
local function add(name, count) if count > 0 then redis.call('HINCRBY', key, name, count) end end

-- What is too old is let go once an hour; the longest pause so far is found on the way.
local function swept()
  local rows, longest = redis.call('HGETALL', key), 0
  for at = 1, #rows, 2 do
    local letter, time = string.match(rows[at], '^(%a):(%d+)$')
    time = tonumber(time or '')
    local daily = letter and string.find('GPXm', letter, 1, true)
    if time and ((daily and time <= day - ask.days) or (not daily and time <= hour - ask.hours)) then
      redis.call('HDEL', key, rows[at])
    elseif letter == 'm' then
      longest = math.max(longest, tonumber(rows[at + 1]))
    end
  end
  return longest
end

local last = tonumber(redis.call('HGET', key, 'last') or '')
if ask.good > 0 then
  local first = tonumber(redis.call('HGET', key, 'first') or '')
  if not first then
    first = now
    redis.call('HSET', key, 'first', now)
  end
  local pause, slot = last and now - last or 0, 'm:' .. day
  if pause > tonumber(redis.call('HGET', key, slot) or 0) then
    -- A pause that was an alarm makes the next one as long at most: an outage is not a rhythm.
    local longest = swept()
    if now - first > ask.young then pause = math.min(pause, ask.factor * math.max(longest, ask.least)) end
    if pause > tonumber(redis.call('HGET', key, slot) or 0) then redis.call('HSET', key, slot, pause) end
  end
  if not last or now > last then redis.call('HSET', key, 'last', now) end
  redis.call('HDEL', key, 'since')
end
if tonumber(redis.call('HGET', key, 'hour') or '') ~= hour then
  swept()
  redis.call('HSET', key, 'hour', hour)
end
add('g:' .. hour, ask.good)
add('p:' .. hour, ask.parts)
add('x:' .. hour, ask.missed)
add('s:' .. hour, ask.bad)
add('G:' .. day, ask.good)
add('P:' .. day, ask.parts)
add('X:' .. day, ask.missed)
add('since', ask.bad)
local share, requests = tonumber(redis.call('HGET', key, 'share') or 0), ask.good + ask.bad
if requests > 0 and (share > 0 or ask.bad > 0) then
  local kept = (1 - ask.weight) ^ requests
  redis.call('HSET', key, 'share', share * kept + (1 - kept) * ask.bad / requests)
end
redis.call('HSET', KEYS[1], feed, now)
redis.call('EXPIRE', KEYS[1], ask.ttl)
redis.call('EXPIRE', key, ask.ttl)
return 1
