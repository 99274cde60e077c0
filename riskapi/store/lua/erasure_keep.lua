-- Write down that an account is erased, before anything of it is, and what is to be let go of later. A second request
-- can end the evidence sooner, but not later, unless the account signed up again meanwhile.
--
-- KEYS    1 erasures by when something is due   2 hash of erasures by user_id
-- ARGV    1 user_id   2 JSON: {"at", "until" (Unix times, whole seconds), "meant" (which account; "" where it is gone already),
--         "keys" (what it shared)}   3 when something is due
-- returns the erasure as it is kept, JSON
-- TTL     none: erasures leave both when what was kept is let go of
local call, given = redis.call, cjson.decode(ARGV[2])
local text = call('HGET', KEYS[2], ARGV[1])
if text then
  local known = cjson.decode(text)
  if given.meant == '' or given.meant == known.meant then
    given.at, given['until'], given.meant = known.at, math.min(known['until'], given['until']), known.meant
  end
  local has = {}
  for _, key in ipairs(given.keys) do has[key] = true end
  for _, key in ipairs(known.keys) do
    if not has[key] then table.insert(given.keys, key) end
  end
end
-- An empty table is encoded as an object.
local kept = #given.keys > 0 and cjson.encode(given.keys) or '[]'
kept = string.format('{"at":%.0f,"until":%.0f,"meant":%s,"keys":%s}', given.at, given['until'], cjson.encode(given.meant), kept)
call('HSET', KEYS[2], ARGV[1], kept)
call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return kept
