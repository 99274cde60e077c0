-- Whose session it is, if it still holds; notes that it was used.
--
-- KEYS    1 session (hash, see session_begin.lua)   2 users (hash: id → JSON)
-- ARGV    1 now, seconds   2 seconds it may rest   3 seconds it may last   4 seconds between two notes of its use
-- returns {row of the user, epoch of the session, how, why writes are refused, '' where they are not} or {} where there is none, or it is over
-- TTL     none is changed: the hash expires when the session has lasted
-- Executed twice it answers the same.
local found = redis.call('HMGET', KEYS[1], 'user', 'epoch', 'begun', 'seen', 'how')
if not found[1] then return {} end
local now, begun, seen = tonumber(ARGV[1]), tonumber(found[3]), tonumber(found[4])
if now - seen > tonumber(ARGV[2]) or now - begun > tonumber(ARGV[3]) then
  redis.pcall('DEL', KEYS[1])
  return {}
end
local row = redis.call('HGET', KEYS[2], found[1])
if not row then return {} end
-- A write that changes nothing, and is refused where writes are: what is there can be read all the same.
local tried = redis.pcall('HSETNX', KEYS[1], 'user', found[1])
local refused = type(tried) == 'table' and tried.err or ''
-- A note costs a write to the disk, so not each visit gets one.
if refused == '' and now - seen >= tonumber(ARGV[4]) then redis.call('HSET', KEYS[1], 'seen', ARGV[1]) end
return {row, found[2], found[5], refused}
