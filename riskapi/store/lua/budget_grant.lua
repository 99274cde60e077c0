-- Grant recipients to an account against its own caps and those of its cluster, once a reservation.
--
-- KEYS    1 budget of the account   2 its cluster (or the budget again where it has none)   3 reservation
--         4 what is remembered under the caller's Idempotency-Key (or the reservation again where none was sent)
--         5 stream of events
-- ARGV    1 JSON, in which what is unknown or not there is left out:
--         now              Unix time, or '' for the store's clock
--         wanted           recipients; partial: whether fewer may be granted
--         cluster          the one expected, or ''; revision: of the account, as it was read
--         caps             of the account, of the hour, day and month; until: Unix time from which on other caps hold
--         factor           how many times as much its cluster may send, where that is counted; once as much where the cluster
--                          is bound by what somebody else holds
--         waiting          recipients granted elsewhere and not recorded yet: to the account, and to anybody of its cluster
--         request          digest of the request; reservation: its id; user_id
--         reserved, remembered, kept   TTL of the reservation, of the Idempotency-Key, of budgets
--         near             share of a cap that is near it
--         usual            volume of a usual day; jump: recipients in a day that are too many more; hold: seconds a hold lasts;
--                          holds: whether one is for real, or only told
--         denied           number of what stands in the way whatever the caps leave; denied_until: Unix time it ends; hit: event of
--                          an entry of a list that names what the message links to
--         tier, largest    for the answer; largest: most recipients that can ever be granted at once
--         tells            whether the stream is told of caps and holds; oldest: the oldest stream id kept
-- returns {'again'} when the cluster, the tier, the caps or an edge changed since they were read, {'conflict'} for another request under
--         the same Idempotency-Key, else {'granted', the answer}. The answer is JSON: reservation_id, granted, limit, retry_after,
--         remaining (of the hour, day and month), near, out, held, at (a text: the Unix time), tier, largest; retry_after and
--         largest are left out where there is none; limit: 0 none, 1 to 3 account, 4 to 6 cluster, 7 hold, 9 list, 10 pause;
--         near, out, held: whether that is news
-- stream  `capped`: a cap denied recipients, once for each of hour, day and month and as long as that lasts; `hold`: a hold began
-- TTL     as ARGV[1] says; stream: trimmed by age
--+ spends
--+ answers
local call, ask = redis.call, cjson.decode(ARGV[1])
local function tell(type, data) call('XADD', KEYS[5], 'MINID', '~', ask.oldest, '*', 'type', type, 'data', data) end
local known = call('HMGET', KEYS[4], 'request', 'answer')
if known[1] then
  if known[1] ~= ask.request then return {'conflict'} end
  return {'granted', kept_answer(known[2])}
end
local now, want, denies = clock(ask.now), ask.wanted, ask.denied
local account = call('HMGET', KEYS[1], 'cluster', 'revision', 'spends', 'hold', 'hold_until', 'hold_off', 'near', 'out',
  'first')
local clustered = ask.cluster ~= ''
if (account[1] or '') ~= ask.cluster or tonumber(account[2] or 0) > ask.revision then return {'again'} end
if ask['until'] and ask['until'] <= now then return {'again'} end
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
for w = 1, 3 do limit(own, w, ask.caps[w], ask.waiting[1], w) end
if clustered and ask.factor then
  local factor = tonumber(cluster[3] or 0) > 0 and 1 or ask.factor
  for w = 1, 3 do limit(ours, w, floor(factor * ask.caps[w]), ask.waiting[2], 3 + w) end
end

-- A hold caps the day at what is usual; a jump starts one. It is told apart from the caps so that callers know why.
-- One that would last longer than any hold was dated by a clock that ran ahead: it lasts from now on.
local held, usual = false, ask.usual
for field, at in pairs({hold_until = 5, hold_off = 6}) do
  local longest = now + ask.hold
  if tonumber(account[at] or 0) > longest + FAR then
    account[at] = longest
    call('HSET', KEYS[1], field, longest)
  end
end
local holding = tonumber(account[5] or 0) > now
if not holding and not denies and usual and tonumber(account[6] or 0) <= now then
  local likely = want
  for _, each in ipairs(limits) do likely = math.min(likely, math.max(each.room, 0)) end
  if likely < want and not ask.partial then likely = 0 end
  if spent_in(own)[2] + likely > ask.jump then
    held, holding = true, ask.holds
    if holding then
      call('HSET', KEYS[1], 'hold', usual, 'hold_at', now, 'hold_until', now + ask.hold)
      account[4] = usual
    end
  end
end
if holding then limit(own, 2, tonumber(account[4]), ask.waiting[1], 7) end

local room = want
for _, each in ipairs(limits) do room = math.min(room, math.max(each.room, 0)) end
if denies then room = 0 end
local granted = room >= want and want or ask.partial and room or 0
if granted > 0 then
  local start = floor(own[1] / GRAIN[1]) * GRAIN[1]
  add(own, start, granted)
  if clustered then add(ours, start, granted) end
end

-- What is left of each window by all that limits it.
local remaining = {}
for _, each in ipairs(limits) do
  local left = math.max(each.room - granted, 0)
  remaining[each.w] = math.min(remaining[each.w] or left, left)
end

-- What stands in the way of the rest, and until when: of all limits that are too small the one that does so longest, then
-- the one with the least room. Asking again for the rest, or for as much of it as the caps can ever grant at once, is then
-- granted. What would be a jump then stands in the way, too; it is not named, because nothing is held yet.
-- A list stands in the way whatever the caps leave, and for as long as somebody wants it to.
local denied, retry, number = want - granted, nil, denies or 0
if denies and ask.denied_until then retry = math.max(math.ceil(ask.denied_until - now), 1) end
if usual and not holding and ask.holds and tonumber(account[6] or 0) <= now then
  limits[#limits + 1] = {log = own, w = 2, cap = ask.jump, room = want, number = 7}
end
if denied > 0 and not denies then
  local need, last, longest = denied, nil, 0
  if ask.partial then
    for _, each in ipairs(limits) do need = math.max(math.min(need, each.cap), 1) end
  end
  for _, each in ipairs(limits) do
    -- What waits to be settled takes room until it left a window in which it is not counted yet: nobody knows when.
    local sure = need <= each.cap and not each.waits
    local free = sure and free_at(each.log, each.w, each.cap - need) or math.huge
    if each.room < want and (not last or free > last.free or (free == last.free and each.room < last.room)) then
      last = {room = each.room, free = free, number = each.number}
    end
    longest = math.max(longest, free)
  end
  number = last.number
  if longest < math.huge then retry = math.max(math.ceil(longest - now), 1) end
end

-- Tell once in six hours that a cap is near, or was reached.
local function news(field, before, is)
  if not is or math.abs(now - tonumber(before or 0)) < 21600 then return false end
  call('HSET', KEYS[1], field, now)
  return true
end
local close = false
for w = 1, 3 do
  local each = limits[w]
  close = close or each.cap > 0 and each.cap - each.room + granted >= ask.near * each.cap
end
local near, out = news('near', account[7], close), news('out', account[8], denied > 0 and number < 7)

call('HSET', KEYS[1], 'spends', packed_spends(own), 'revision', ask.revision)
if granted > 0 then call('HSETNX', KEYS[1], 'first', now) end
if tonumber(account[9] or 0) > now + FAR then call('HSET', KEYS[1], 'first', now) end
call('EXPIRE', KEYS[1], ask.kept)
if clustered then
  call('HSET', KEYS[2], 'spends', packed_spends(ours))
  call('EXPIRE', KEYS[2], ask.kept)
end
local answer = cjson.encode({
  reservation_id = ask.reservation, granted = granted, limit = number, retry_after = retry, remaining = remaining,
  near = near, out = out, held = held, at = string.format('%.17g', now), tier = ask.tier, largest = ask.largest,
})
local start = floor(own[1] / GRAIN[1]) * GRAIN[1]
call('HSET', KEYS[3], 'request', ask.request, 'answer', answer, 'user', ask.user_id, 'start', start,
  'granted', granted, 'released', 0)
call('EXPIRE', KEYS[3], ask.reserved)
if ask.hit then tell('hit', ask.hit) end
if ask.tells and number >= 1 and number <= 6 then
  local w = (number - 1) % 3 + 1
  local last = tonumber(call('HGET', KEYS[1], 'capped' .. w) or -1)
  if last < 0 or now < last or now - last >= WINDOW[w] then
    call('HSET', KEYS[1], 'capped' .. w, now)
    tell('capped', cjson.encode({
      user_id = ask.user_id, number = number, wanted = want, granted = granted, retry = retry or -1, tier = ask.tier,
      at = now,
    }))
  end
end
if ask.tells and held and holding then
  tell('hold', cjson.encode({
    user_id = ask.user_id, daily = usual, ends = now + ask.hold, tier = ask.tier, at = now,
  }))
end
if KEYS[4] ~= KEYS[3] then
  call('HSET', KEYS[4], 'request', ask.request, 'answer', answer)
  call('EXPIRE', KEYS[4], ask.remembered)
end
return {'granted', answer}
