-- Begin answering under an Idempotency-Key, unless it was answered or is being answered.
--
-- KEYS    1 remembered answer (hash: request, owner, at, status, media, body, headers)
-- ARGV    1 digest of the request   2 owner: random, names this attempt   3 seconds an attempt may take   4 now
--         5 seconds an answer is remembered, by the clock of those who ask: its TTL goes by the store's
-- returns {'begun'}, {'conflict'} for another request, {'in_progress'}, or {'answered', status, media, body, headers}
-- TTL     ARGV[3] until answered, so that a process that died locks nobody out
local found = redis.call('HMGET', KEYS[1], 'request', 'owner', 'status', 'media', 'body', 'headers', 'at')
if found[3] and found[7] and ARGV[4] - found[7] >= tonumber(ARGV[5]) then
  redis.call('DEL', KEYS[1])
  found = {}
end
if not found[1] then
  redis.call('HSET', KEYS[1], 'request', ARGV[1], 'owner', ARGV[2], 'at', ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  return {'begun'}
end
if found[1] ~= ARGV[1] then return {'conflict'} end
if found[3] then return {'answered', found[3], found[4], found[5], found[6] or '{}'} end
if found[2] == ARGV[2] then return {'begun'} end
return {'in_progress'}
