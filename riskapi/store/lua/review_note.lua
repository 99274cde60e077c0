-- Write a note into a review, once, and tell the stream of it where that is wanted.
--
-- KEYS    1 review hash   2 decisions stream
-- ARGV    1 field of the note   2 note   3 most notes of a review   4 type of the event, or '' for none   5 event
--         6 oldest stream id kept
-- returns 1; 0 for an unknown review; -1 for one that has as many notes as it may
-- TTL     the review keeps its own; stream: trimmed by age
local call = redis.call
if call('EXISTS', KEYS[1]) == 0 then return 0 end
if call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
if tonumber(call('HGET', KEYS[1], 'notes') or 0) >= tonumber(ARGV[3]) then return -1 end
call('HINCRBY', KEYS[1], 'notes', 1)
call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[4] ~= '' then call('XADD', KEYS[2], 'MINID', '~', ARGV[6], '*', 'type', ARGV[4], 'data', ARGV[5]) end
return 1
