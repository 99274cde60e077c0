-- Count one feedback event of an account, once, and note when its sending is not clean any more.
--
-- KEYS    1 feedback hash   2 the event's own key   3 account hash   4 decisions stream
-- ARGV    1 now   2 first day and   3 last day of the window, as days since 1970 in UTC   4 day of the event
--         5 letter of its type, see riskapi/feedback/counts.py   6 token of this attempt, without white space
--         7 recipients sent to within the window, 0 for unknown
--         8 complaint_rate   9 least_complaints   10 hard_bounce_rate   11 least_hard_bounces
--         12 event for the stream, or '' for none   13 event of a lost step with "rule":"?" for what lost it
--         14 oldest stream id kept   15 TTL of the feedback and   16 of the event's key, seconds
-- What an allow entry silences (`silenced` of the account, see riskapi/lists/matching.py) is counted and noted, and costs no step.
-- returns {'counted' | 'duplicate' | 'unknown', rule that stopped holding by this event or ''}; the same attempt again
--         gets its first answer
-- TTL     feedback: ARGV[15] after its last event; the event's key: ARGV[16]
if redis.call('EXISTS', KEYS[3]) == 0 then return {'unknown', ''} end
local seen = redis.call('GET', KEYS[2])
if seen then
  local token, rule = string.match(seen, '^(%S+) (%S*)$')
  if token == ARGV[6] then return {'counted', rule} end
  return {'duplicate', ''}
end

local first, last = tonumber(ARGV[2]), tonumber(ARGV[3])

-- What is counted within the window; days that left it are forgotten.
local function sums()
  local found, rows = {d = 0, h = 0, s = 0, c = 0, b = 0, u = 0, t = 0}, redis.call('HGETALL', KEYS[1])
  for at = 1, #rows, 2 do
    local day, letter = string.match(rows[at], '^(%-?%d+):(%a)$')
    day = tonumber(day)
    if day and day < first then
      redis.call('HDEL', KEYS[1], rows[at])
    elseif day and day <= last then
      found[letter] = found[letter] + tonumber(rows[at + 1])
    end
  end
  return found
end

-- The rule of clean sending that does not hold, or ''. The same as Counts.fault of riskapi/feedback/counts.py.
local function fault(of)
  local sent = math.max(tonumber(ARGV[7]), of.d + of.h)
  local arrived = math.max(of.d, sent - of.h - of.s - of.b, of.c)
  if of.t > 0 then return 'spam_trap' end
  if of.c >= tonumber(ARGV[9]) and of.c / arrived > tonumber(ARGV[8]) then return 'complaint_rate' end
  if of.h >= tonumber(ARGV[11]) and of.h / sent > tonumber(ARGV[10]) then return 'hard_bounce_rate' end
  return ''
end

local function is_silenced()
  local till = redis.call('HGET', KEYS[3], 'silenced')
  return till == 'inf' or (tonumber(till or '') or 0) > tonumber(ARGV[1])
end

local function tell(event)
  redis.call('XADD', KEYS[4], 'MINID', '~', ARGV[14], '*', 'type', 'feedback', 'data', event)
end

if ARGV[12] ~= '' then tell(ARGV[12]) end
local lost, day = '', tonumber(ARGV[4])
if day >= first and day <= last then
  local new = redis.call('HINCRBY', KEYS[1], ARGV[4] .. ':' .. ARGV[5], 1) == 1
  local soiled = redis.call('HGET', KEYS[1], 'soiled')
  -- A delivery or an unsubscription never makes sending unclean: the sums are spared where it was clean.
  if soiled or new or (ARGV[5] ~= 'd' and ARGV[5] ~= 'u') then
    local found = sums()
    local rule = fault(found)
    if rule ~= '' then
      if not soiled or tonumber(ARGV[1]) > tonumber(soiled) then redis.call('HSET', KEYS[1], 'soiled', ARGV[1]) end
      found[ARGV[5]] = found[ARGV[5]] - 1
      if fault(found) == '' and not is_silenced() then
        lost = rule
        tell((string.gsub(ARGV[13], '"rule":"%?"', '"rule":"' .. rule .. '"', 1)))
      end
    end
  end
  redis.call('EXPIRE', KEYS[1], ARGV[15])
end
redis.call('SET', KEYS[2], ARGV[6] .. ' ' .. lost, 'EX', ARGV[16])
return {'counted', lost}
