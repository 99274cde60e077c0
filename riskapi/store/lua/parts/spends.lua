-- The spends of an account or a cluster: how many recipients were granted when, kept no finer than it still matters.
--
-- Packed as {latest, start, recipients, start, recipients, …} in MessagePack: `latest` is the latest time seen (time
-- never runs backwards here by up to FAR, whatever the clocks of several hosts say), then buckets by their rising start,
-- in seconds.
-- Where a clock is farther back than that, one of two was wrong, this one or the one before, and nobody knows which. What
-- is dated after the time that is given now counts from now on, so it costs each window once and no more. `latest` is then
-- {latest, high, since}. Should time come to `high` after all within a month, then it may have been the clock since
-- `since` that was behind: all that was dated by it is put later by as much as it was behind, so that nothing leaves a
-- window too early.
-- A spend counts against a window until its bucket has left it whole: up to one grain too long, never too short.
--   an hour at a grain of a minute, a day of 15 minutes, a month (30 days) of 6 hours
local WINDOW, GRAIN = {3600, 86400, 2592000}, {60, 900, 21600}
-- FAR is a day and a half: clocks of hosts that pass the time in may lag by a day, and standing still for so long is what
-- a day's window costs. NEAR is what they may lag by when time has come to `high`; at one leap over FAR they may lag by
-- FAR, because `high` itself may be of a clock that ran ahead.
local FAR, NEAR = 129600, 3600
local floor = math.floor

-- The time from which on what was spent in the bucket of `start` no longer counts against window `w`.
local function leaves(start, w)
  return floor(start / GRAIN[w]) * GRAIN[w] + GRAIN[w] + WINDOW[w]
end

local function add(log, start, count)
  local size = #log
  if size > 1 and log[size - 1] == start then
    log[size] = log[size] + count
  else
    log[size + 1], log[size + 2] = start, count
  end
end

-- The spends as they stand at `now`: what left the hour is kept by 15 minutes, what left the day by 6 hours.
local function spends_at(packed, now)
  local old = packed and cmsgpack.unpack(packed) or {now}
  -- What starts from `again` on is put later.
  local latest, high, since, again, later = old[1], nil, nil, nil, 0
  if type(latest) == 'table' then latest, high, since = latest[1], latest[2], latest[3] end
  if latest - now > FAR then
    high, since = math.max(high or latest, latest), math.min(since or now, now)
  elseif latest > now then
    now = latest
  end
  if high and (high - now <= NEAR or (high - now <= FAR and now - latest > FAR)) then
    -- Buckets grow coarser as they age: what was dated since then may have the start of the coarsest. How far behind the
    -- clock was is not known better than by the time between two calls; up to a day of it is allowed for.
    again = floor(since / GRAIN[3]) * GRAIN[3]
    later, high = math.min(now - latest, high - since + WINDOW[2]), nil
  elseif high and now - since > WINDOW[3] + GRAIN[3] then
    high = nil
  end
  local log, minute = {now}, floor(now / GRAIN[1]) * GRAIN[1]
  if high then log.ahead = {high, since} end
  for i = 2, #old, 2 do
    local start = old[i]
    if again and start >= again then
      local width = leaves(start, 2) <= latest and GRAIN[3] or leaves(start, 1) <= latest and GRAIN[2] or GRAIN[1]
      start = math.min(floor((start + later + width) / GRAIN[1]) * GRAIN[1], minute)
    end
    if start > now then start = minute end
    if leaves(start, 3) > now then
      if leaves(start, 2) <= now then
        start = floor(start / GRAIN[3]) * GRAIN[3]
      elseif leaves(start, 1) <= now then
        start = floor(start / GRAIN[2]) * GRAIN[2]
      end
      add(log, start, old[i + 1])
    end
  end
  return log
end

-- The spends as they are kept.
local function packed_spends(log)
  local ahead, latest = log.ahead, log[1]
  if not ahead then return cmsgpack.pack(log) end
  log.ahead, log[1] = nil, {latest, ahead[1], ahead[2]}
  local found = cmsgpack.pack(log)
  log.ahead, log[1] = ahead, latest
  return found
end

-- Two accounts' spends, or clusters', as one.
local function merged(one, other)
  local log, i, j = {math.max(one[1], other[1])}, 2, 2
  local mine, theirs = one.ahead or other.ahead, other.ahead or one.ahead
  if mine then log.ahead = {math.max(mine[1], theirs[1]), math.min(mine[2], theirs[2])} end
  while one[i] or other[j] do
    if not other[j] or (one[i] and one[i] <= other[j]) then
      add(log, one[i], one[i + 1])
      i = i + 2
    else
      add(log, other[j], other[j + 1])
      j = j + 2
    end
  end
  return log
end

-- Spent in the hour, the day and the month up to the latest time.
local function spent_in(log)
  local now, sums = log[1], {0, 0, 0}
  for i = 2, #log, 2 do
    for w = 1, 3 do
      if leaves(log[i], w) > now then sums[w] = sums[w] + log[i + 1] end
    end
  end
  return sums
end

-- The time at which window `w` will hold no more than `most`, if nothing is spent until then; 0 for now.
local function free_at(log, w, most)
  local now, sum = log[1], spent_in(log)[w]
  if sum <= most then return 0 end
  for i = 2, #log, 2 do
    if leaves(log[i], w) > now then
      sum = sum - log[i + 1]
      if sum <= most then return leaves(log[i], w) end
    end
  end
  return 0
end

-- Take back recipients from the bucket that a spend in the minute of `start` is in by now: the last one where that was
-- dated after the time it is now.
local function take_back(log, start, count)
  if start > log[1] and #log > 1 then start = log[#log - 1] end
  for i = #log - 1, 2, -2 do
    local at = log[i]
    if at == start or at == floor(start / GRAIN[2]) * GRAIN[2] or at == floor(start / GRAIN[3]) * GRAIN[3] then
      log[i + 1] = math.max(log[i + 1] - count, 0)
      if log[i + 1] == 0 then
        table.remove(log, i + 1)
        table.remove(log, i)
      end
      return
    end
  end
end

-- The time passed in, or the store's own where none is.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end
