-- Begin, keep and end alarms about the platform: see riskapi/feedback/platform/alarms.py.
--
-- KEYS    1 the alarms   2 stream of clusters and lists
-- ARGV    1 JSON: {"now" (Unix time of what the verdicts rest on), "up" (since when it is watched without a break),
--         "oldest" (the oldest stream id kept), "shares" (JSON for metrics), "ttl" (seconds), "verdicts": [{"name",
--         "crossed", "live", "alarm" (JSON without "since"), "told" (event for the stream)}]}
-- returns {{name, 'crossed' or 'ended'}, …}: what changed and was told; nothing for verdicts older than the last
-- TTL     "ttl" after it was watched last
local ask = cjson.decode(ARGV[1])
local judged = tonumber(redis.call('HGET', KEYS[1], 'judged') or 0)
if judged > ask.now then return {} end
local changed = {}

local function tell(verdict, action, since)
  local told = cjson.decode(verdict.told)
  told.action, told.since, told.at = action, since, ask.now
  redis.call('XADD', KEYS[2], 'MINID', '~', ask.oldest, '*', 'type', 'platform', 'data', cjson.encode(told))
  changed[#changed + 1] = {verdict.name, action}
end

for _, verdict in ipairs(ask.verdicts) do
  local name = 'alarm ' .. verdict.name
  local before = redis.call('HGET', KEYS[1], name)
  before = before and cjson.decode(before)
  if verdict.crossed then
    local alarm = cjson.decode(verdict.alarm)
    alarm.since = before and before.since or ask.now
    redis.call('HSET', KEYS[1], name, cjson.encode(alarm))
    local was = before and before.mode == 'live'
    if verdict.live and not was then tell(verdict, 'crossed', alarm.since) end
    if was and not verdict.live then tell(verdict, 'ended', alarm.since) end
  elseif before then
    redis.call('HDEL', KEYS[1], name)
    if before.mode == 'live' then tell(verdict, 'ended', before.since) end
  end
end
redis.call('HSET', KEYS[1], 'judged', ask.now, 'up', ask.up, 'shares', ask.shares)
redis.call('EXPIRE', KEYS[1], ask.ttl)
return changed
