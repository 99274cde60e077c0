-- Take one request from a key's allowance (GCRA, ITU-T I.371 annex A: one number a key, exact under any concurrency).
--
-- KEYS    1 theoretical arrival time of the key's next request, microseconds
-- ARGV    1 now, microseconds   2 microseconds between requests at the steady rate   3 requests that may come at once
-- returns {1 or 0 allowed, requests left, microseconds until all are back, microseconds until the next is allowed}
-- TTL     until the allowance is whole again
-- Executed twice (a connection lost on the way back) it takes two: the caller loses one request, nobody gains one.
local now, gap, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = due + gap
local allowed_at = after - gap * burst
if allowed_at > now then
  return {0, 0, due - now, allowed_at - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return {1, math.floor((gap * burst - (after - now)) / gap), after - now, 0}
