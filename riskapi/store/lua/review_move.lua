-- Move a review that is still to be decided to another status, if it may go there.
--
-- KEYS    1 review hash   2 decisions stream   3 index of open   4 of claimed   5 of escalated reviews
-- ARGV    1 target status   2 reviewer   3 now   4 seconds a claim holds   5 event   6 oldest stream id kept, then fields and values
--         to set on the review
-- returns {1}; {0, status, holder} when the review is unknown, decided, or held by another reviewer
-- TTL     the review keeps its own; indexes: entries leave them with their review; stream: trimmed by age
--+ reviews
local bar = barred(KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
if bar then return {0, bar[1], bar[2]} end
move(KEYS[1], {open = KEYS[3], claimed = KEYS[4], escalated = KEYS[5]}, ARGV[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 7))
redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[6], '*', 'type', 'review', 'data', ARGV[5])
return {1}
