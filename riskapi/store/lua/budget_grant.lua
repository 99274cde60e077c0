-- Grant recipients to an account against its own caps and those of its cluster, once a reservation.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none)   3 reservation
--         4 what is remembered under the caller's Idempotency-Key (or the reservation again where none was sent)
--         5 stream of events
-- ARGV    1 now, or '' for the store's clock   2 recipients wanted   3 partial: 1 or 0   4 cluster expected, or ''
--         5 revision of the account   6 7 8 caps of the account
--         9 how many times as much its cluster may send, '' where that is not counted; once as much where the cluster is
--         bound by what somebody else holds
--         10 recipients granted elsewhere and not settled yet: to the account   11 … to anybody of its cluster
--         12 digest of the request   13 reservation id   14 user_id   15 TTL of a reservation   16 TTL of a remembered key
--         17 TTL of budgets   18 share of a cap that is near it   19 usual volume of a day, '' where there is none
--         20 recipients in a day that are a jump   21 seconds a hold lasts   22 hold for real: 1, or 0 to tell only
--         23 tier, for the answer   24 the message links to what is denied: 1 or 0   25 event of an entry of a list that names
--         what the message links to, or ''   26 oldest stream id kept   27 Unix time from which on other caps hold, or ''
--         28 most recipients that can ever be granted at once, for the answer   29 tell the stream of caps and holds: 1 or 0
-- returns {'again'} when the cluster, the tier, the caps or an edge changed since they were read, {'conflict'} for another request under
--         the same Idempotency-Key, else {'granted', reservation id, granted, limit, retry after or -1, remaining of the account
--         (3), remaining of the cluster (3, or -1), near, out, held, at, tier, ARGV[28]}; limit: 0 none, 1 to 3 account, 4 to 6 cluster, 7 hold, 9 list;
--         near, out, held: 1 where that is news
-- stream  `capped`: a cap denied recipients, once for each of hour, day and month and as long as that lasts; `hold`: a hold began
-- TTL     ARGV[15] to ARGV[17]; stream: trimmed by age
--+ spends
local call = redis.call
local function tell(type, data) call('XADD', KEYS[5], 'MINID', '~', ARGV[26], '*', 'type', type, 'data', data) end
local known = call('HMGET', KEYS[4], 'request', 'answer')
if known[1] then
  if known[1] ~= ARGV[12] then return {'conflict'} end
  return cmsgpack.unpack(known[2])
end
local now, want, denies = clock(ARGV[1]), tonumber(ARGV[2]), ARGV[24] == '1'
local account = call('HMGET', KEYS[1], 'cluster', 'revision', 'spends', 'hold', 'hold_until', 'hold_off', 'near', 'out',
  'first')
local clustered = ARGV[4] ~= ''
if (account[1] or '') ~= ARGV[4] or tonumber(account[2] or 0) > tonumber(ARGV[5]) then return {'again'} end
if ARGV[27] ~= '' and tonumber(ARGV[27]) <= now then return {'again'} end
local cluster = clustered and call('HMGET', KEYS[2], 'spends', 'due', 'claims')
if clustered and tonumber(cluster[2] or 0) <= now then return {'again'} end

-- The account goes by its cluster's clock, which is never behind: both keep this spend under the same time.
local ours = clustered and spends_at(cluster[1], now)
local own = spends_at(account[3], ours and ours[1] or now)
local limits = {}
local function limit(log, w, cap, waiting, number)
  limits[#limits + 1] = {
    log = log, w = w, cap = cap, room = cap - spent_in(log)[w] - waiting, number = number, waits = waiting > 0,
  }
end
for w = 1, 3 do limit(own, w, tonumber(ARGV[5 + w]), tonumber(ARGV[10]), w) end
if clustered and ARGV[9] ~= '' then
  local factor = tonumber(cluster[3] or 0) > 0 and 1 or tonumber(ARGV[9])
  for w = 1, 3 do limit(ours, w, floor(factor * tonumber(ARGV[5 + w])), tonumber(ARGV[11]), 3 + w) end
end

-- A hold caps the day at what is usual; a jump starts one. It is told apart from the caps so that callers know why.
-- One that would last longer than any hold was dated by a clock that ran ahead: it lasts from now on.
local held, usual = 0, tonumber(ARGV[19])
for field, at in pairs({hold_until = 5, hold_off = 6}) do
  local longest = now + tonumber(ARGV[21])
  if tonumber(account[at] or 0) > longest + FAR then
    account[at] = longest
    call('HSET', KEYS[1], field, longest)
  end
end
local holding = tonumber(account[5] or 0) > now
if not holding and not denies and usual and tonumber(account[6] or 0) <= now then
  local likely = want
  for _, each in ipairs(limits) do likely = math.min(likely, math.max(each.room, 0)) end
  if likely < want and ARGV[3] ~= '1' then likely = 0 end
  if spent_in(own)[2] + likely > tonumber(ARGV[20]) then
    held, holding = 1, ARGV[22] == '1'
    if holding then
      call('HSET', KEYS[1], 'hold', ARGV[19], 'hold_at', now, 'hold_until', now + tonumber(ARGV[21]))
      account[4] = ARGV[19]
    end
  end
end
if holding then limit(own, 2, tonumber(account[4]), tonumber(ARGV[10]), 7) end

local room = want
for _, each in ipairs(limits) do room = math.min(room, math.max(each.room, 0)) end
if denies then room = 0 end
local granted = room >= want and want or ARGV[3] == '1' and room or 0
if granted > 0 then
  local start = floor(own[1] / GRAIN[1]) * GRAIN[1]
  add(own, start, granted)
  if clustered then add(ours, start, granted) end
end

-- What stands in the way of the rest, and until when: of all limits that are too small the one with the least room, then
-- the longest. Asking again for the rest, or for as much of it as the caps can ever grant at once, is then granted.
-- What would be a jump then stands in the way, too.
-- A list stands in the way whatever the caps leave, and for as long as somebody wants it to.
local denied, retry, number = want - granted, -1, denies and 9 or 0
if usual and not holding and ARGV[22] == '1' and tonumber(account[6] or 0) <= now then
  limits[#limits + 1] = {log = own, w = 2, cap = tonumber(ARGV[20]), room = want, number = 7}
end
if denied > 0 and not denies then
  local need, least, longest = denied, nil, 0
  if ARGV[3] == '1' then
    for _, each in ipairs(limits) do need = math.min(need, each.cap) end
  end
  for _, each in ipairs(limits) do
    -- What waits to be settled takes room until it left a window in which it is not counted yet: nobody knows when.
    local sure = need <= each.cap and not each.waits
    local free = sure and free_at(each.log, each.w, each.cap - need) or math.huge
    if each.room < want and (not least or each.room < least.room or (each.room == least.room and free > least.free)) then
      least = {room = each.room, free = free, number = each.number}
    end
    longest = math.max(longest, free)
  end
  number = least.number
  if need > 0 and longest < math.huge then retry = math.max(math.ceil(longest - now), 1) end
end

local function remaining(first)
  if not limits[first] then return -1, -1, -1 end
  local left = {}
  for w = 1, 3 do left[w] = math.max(limits[first + w - 1].room - granted, 0) end
  return left[1], left[2], left[3]
end
local h1, d1, m1 = remaining(1)
local h2, d2, m2 = -1, -1, -1
if clustered and ARGV[9] ~= '' then h2, d2, m2 = remaining(4) end
if holding then d1 = math.min(d1, math.max(limits[#limits].room - granted, 0)) end

-- Tell once in six hours that a cap is near, or was reached.
local function news(field, before, is)
  if not is or math.abs(now - tonumber(before or 0)) < 21600 then return 0 end
  call('HSET', KEYS[1], field, now)
  return 1
end
local close = false
for w = 1, 3 do
  local each = limits[w]
  close = close or each.cap > 0 and each.cap - each.room + granted >= tonumber(ARGV[18]) * each.cap
end
local near, out = news('near', account[7], close), news('out', account[8], denied > 0 and number < 7)

call('HSET', KEYS[1], 'spends', packed_spends(own), 'revision', ARGV[5])
if granted > 0 then call('HSETNX', KEYS[1], 'first', now) end
if tonumber(account[9] or 0) > now + FAR then call('HSET', KEYS[1], 'first', now) end
call('EXPIRE', KEYS[1], ARGV[17])
if clustered then
  call('HSET', KEYS[2], 'spends', packed_spends(ours))
  call('EXPIRE', KEYS[2], ARGV[17])
end
local answer = {
  'granted', ARGV[13], granted, number, retry, h1, d1, m1, h2, d2, m2, near, out, held, tostring(now), ARGV[23], ARGV[28],
}
local start = floor(own[1] / GRAIN[1]) * GRAIN[1]
call('HSET', KEYS[3], 'request', ARGV[12], 'answer', cmsgpack.pack(answer), 'user', ARGV[14], 'start', start,
  'granted', granted, 'released', 0)
call('EXPIRE', KEYS[3], ARGV[15])
if ARGV[25] ~= '' then tell('hit', ARGV[25]) end
if ARGV[29] == '1' and number >= 1 and number <= 6 then
  local w = (number - 1) % 3 + 1
  local last = tonumber(call('HGET', KEYS[1], 'capped' .. w) or -1)
  if last < 0 or now < last or now - last >= WINDOW[w] then
    call('HSET', KEYS[1], 'capped' .. w, now)
    tell('capped', cjson.encode({
      user_id = ARGV[14], number = number, wanted = want, granted = granted, retry = retry, tier = ARGV[23], at = now,
    }))
  end
end
if ARGV[29] == '1' and held == 1 and holding then
  tell('hold', cjson.encode({
    user_id = ARGV[14], daily = tonumber(ARGV[19]), ends = now + tonumber(ARGV[21]), tier = ARGV[23], at = now,
  }))
end
if KEYS[4] ~= KEYS[3] then
  call('HSET', KEYS[4], 'request', ARGV[12], 'answer', cmsgpack.pack(answer))
  call('EXPIRE', KEYS[4], ARGV[16])
end
return answer
