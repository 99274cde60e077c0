-- Withdraw the review that what others did opened about an account, because nothing asks for it any more. One that somebody holds stays
-- with them. Safe to run twice.
--
-- KEYS    1 account hash   2 review hash   3 index of open   4 of decided reviews   5 decisions stream
-- ARGV    1 id of the review   2 its place in the index   3 event   4 oldest stream id kept   5 `looked`, the field of the account that
--         must name the review (review_open.lua), or ''   then fields and values of the review
-- returns 1, or 0 where it is not open, or not the one that the account names
-- TTL     review and account keep their own; indexes: entries leave them with their review; stream: trimmed by age
--+ reviews
local call = redis.call
local looked = ARGV[5] ~= ''
if looked and call('HGET', KEYS[1], 'looked') ~= ARGV[1] then return 0 end
local status = call('HGET', KEYS[2], 'status')
if status == 'claimed' or status == 'escalated' then return 0 end
if looked then call('HDEL', KEYS[1], 'looked') end
if status ~= 'open' then return 0 end
move(KEYS[2], {open = KEYS[3], decided = KEYS[4]}, 'decided', ARGV[2])
call('HSET', KEYS[2], 'withdrawn', 1, unpack(ARGV, 6))
call('XADD', KEYS[5], 'MINID', '~', ARGV[4], '*', 'type', 'review', 'data', ARGV[3])
return 1
