-- Count one feedback event of an account, once, and note when its sending is not clean any more.
--
-- KEYS    1 feedback hash   2 the event's own key   3 account hash   4 decisions stream
-- ARGV    1 JSON: {"now" (a text), "first", "last" (days of the window, as days since 1970 in UTC), "day" (of the event),
--         "type" (its letter, see riskapi/feedback/clean_sending.py), "token" (of this attempt, without white space),
--         "voice" (who reports, or whose mailbox it is; "" for unknown), "speaks" (whether a recipient is named), "about" (what
--         tells its mail from others, or ""), "happened" (Unix time of the event), "awaited" (first day of reports that still
--         take back a complaint which comes after them), "also" (letter of what the diagnostic said, or ""),
--         "sent" (recipients sent to within the window, 0 for unknown), "told" (event for the stream, or ""), "lost" (event of
--         a lost step with "rule":"?" for what lost it), "oldest" (the oldest stream id kept), "kept" (TTL of the feedback),
--         "known" (TTL of the event's key)}
--         2 JSON: the rules of clean sending, see riskapi/feedback/clean_sending.py
-- What an allow entry silences (`silenced` of the account, see riskapi/lists/matching.py) is counted and noted, and costs no step.
-- returns {'counted' | 'duplicate' | 'unknown', rule that stopped holding by this event or ''}; the same attempt again
--         gets its first answer
-- TTL     feedback: "kept" after its last event; the event's key: "known"
if redis.call('EXISTS', KEYS[3]) == 0 then return {'unknown', ''} end
local ask = cjson.decode(ARGV[1])
local seen = redis.call('GET', KEYS[2])
if seen then
  local token, rule = string.match(seen, '^(%S+) (%S*)$')
  if token == ask.token then return {'counted', rule} end
  return {'duplicate', ''}
end

local first, last, day, type = ask.first, ask.last, ask.day, ask.type

-- What is counted within the window; days that left it are forgotten.
local function sums()
  local found, rows = {sent = ask.sent}, redis.call('HGETALL', KEYS[1])
  for letter in string.gmatch('dhscbutnmk', '%a') do found[letter] = 0 end
  for at = 1, #rows, 2 do
    local day, letter = string.match(rows[at], '^(%-?%d+):(%a)$')
    day = tonumber(day or string.match(rows[at], '^v:(%-?%d+):'))
    if day and day < first then
      redis.call('HDEL', KEYS[1], rows[at])
    elseif letter and day <= last then
      found[letter] = found[letter] + tonumber(rows[at + 1])
    end
  end
  return found
end

-- The rule of clean sending that does not hold, or ''.
local function broken(rules, counts)
  for _, rule in ipairs(rules) do
    local count, most = counts[rule.count], 0
    for _, each in ipairs(rule.of) do
      local sum = 0
      for name, times in pairs(each) do sum = sum + times * counts[name] end
      most = math.max(most, sum)
    end
    if count >= rule.least and count / most > rule.rate then return rule.name end
  end
  return ''
end

local function is_silenced()
  local till = redis.call('HGET', KEYS[3], 'silenced')
  return till == 'inf' or (tonumber(till or '') or 0) > tonumber(ask.now)
end

local function tell(event)
  redis.call('XADD', KEYS[4], 'MINID', '~', ask.oldest, '*', 'type', 'feedback', 'data', event)
end

-- The newest complaint that a part of its field's name fits: its day and the rest of its name. Nothing where there is none.
local function newest(letter, fits)
  local newest, rest
  local rows = redis.call('HGETALL', KEYS[1])
  for at = 1, #rows, 2 do
    local when, name = string.match(rows[at], '^v:(%-?%d+):' .. letter .. ':(.*)$')
    when = tonumber(when)
    local counts = when and when >= first and when <= last and (letter == 'x' or tonumber(rows[at + 1]) > 0)
    if counts and (not fits or name == fits) and (not newest or when > newest) then newest, rest = when, name end
  end
  return newest, rest
end

-- The day whose complaint is taken back, and by which voice it came: that about the same mail; where the report does not tell
-- its mail from others, the last by the same voice; where it names no recipient, the last of all. So nobody takes back what
-- somebody else said, who has a mailbox at the same place. The mail may be taken out of the junk folder days after the
-- complaint, and the report may carry the day of the mail. Nothing where there is none.
local function complained()
  if ask.about ~= '' then
    local day = newest('x', ask.about)
    local voice = day and redis.call('HGET', KEYS[1], 'v:' .. day .. ':x:' .. ask.about)
    if day then redis.call('HDEL', KEYS[1], 'v:' .. day .. ':x:' .. ask.about) end
    return day, voice
  end
  local day, voice = newest('c', ask.voice)
  if day or ask.speaks then return day, voice end
  return newest('c')
end

-- A report that mail is not spam can be faster than the complaint that it takes back: it waits, by the mail that both are about,
-- under `v:<day it came>:n:<about>` with the time at which it happened.
local function await()
  if ask.about == '' then return end
  local name = 'v:' .. last .. ':n:' .. ask.about
  local held = tonumber(redis.call('HGET', KEYS[1], name) or nil)
  if held or redis.call('HLEN', KEYS[1]) < 1000 then
    redis.call('HSET', KEYS[1], name, string.format('%.17g', math.max(held or ask.happened, ask.happened)))
  end
end

-- Whether a complaint was taken back before it came. One that happened after that is another one.
local function is_taken_back()
  if type ~= 'c' or ask.about == '' then return false end
  for at = ask.awaited, last do
    local name = 'v:' .. at .. ':n:' .. ask.about
    local till = tonumber(redis.call('HGET', KEYS[1], name) or nil)
    if till and ask.happened <= till then return redis.call('HDEL', KEYS[1], name) == 1 end
  end
  return false
end

if ask.told ~= '' then tell(ask.told) end
local lost = ''
local whose, counts = ask.voice, day >= first and day <= last
if counts and type == 'n' then
  -- Who takes mail out of the junk folder takes a complaint back.
  local found, voice = complained()
  if found then day, whose = found, voice else counts = false; await() end
  redis.call('EXPIRE', KEYS[1], ask.kept)
elseif counts and is_taken_back() then
  counts = false
end
if counts then
  local counted, step = type, 1
  if type == 'n' then counted, step = 'c', -1 end
  local function count(name)
    if step > 0 or tonumber(redis.call('HGET', KEYS[1], name) or 0) > 0 then return redis.call('HINCRBY', KEYS[1], name, step) end
  end
  local new = count(day .. ':' .. counted) == 1
  if whose ~= '' and string.find('chbtm', counted, 1, true) then
    local voice = (step < 0 or redis.call('HLEN', KEYS[1]) < 1000) and whose or '*'
    count('v:' .. day .. ':' .. counted .. ':' .. voice)
    if type == 'c' and ask.about ~= '' and voice == whose then redis.call('HSET', KEYS[1], 'v:' .. day .. ':x:' .. ask.about, voice) end
    if ask.also ~= '' then count('v:' .. day .. ':' .. ask.also .. ':' .. voice) end
  end
  local soiled = redis.call('HGET', KEYS[1], 'soiled')
  -- A delivery or an unsubscription never makes sending unclean: the sums are spared where it was clean.
  if soiled or new or (type ~= 'd' and type ~= 'u') then
    local found = sums()
    local rules = cjson.decode(ARGV[2])
    local rule = broken(rules, found)
    if rule ~= '' then
      if not soiled or tonumber(ask.now) > tonumber(soiled) then redis.call('HSET', KEYS[1], 'soiled', ask.now) end
      found[type] = found[type] - 1
      if broken(rules, found) == '' and not is_silenced() then
        lost = rule
        tell((string.gsub(ask.lost, '"rule":"%?"', '"rule":"' .. rule .. '"', 1)))
      end
    end
  end
  redis.call('EXPIRE', KEYS[1], ask.kept)
end
redis.call('SET', KEYS[2], ask.token .. ' ' .. lost, 'EX', ask.known)
return {'counted', lost}
