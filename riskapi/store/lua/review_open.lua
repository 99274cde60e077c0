-- Open a review about an account that is there already, once; one that was withdrawn is opened again.
--
-- KEYS    1 account hash   2 review hash   3 index of open reviews   4 decisions stream   5 index of decided reviews
-- ARGV    1 TTL of the account, seconds   2 its place in the index   3 event   4 oldest stream id kept   5 `looked` where the review is
--         withdrawn when nothing asks for it any more (review_withdraw.lua), else ''   then fields and values, `id` and its value first
-- returns 1, or 0 for an unknown account and for a review that is there already
-- TTL     account and review: ARGV[1]; index: entries leave it with their review; stream: trimmed by age
--+ reviews
local call = redis.call
if call('EXISTS', KEYS[1]) == 0 then return 0 end
if call('EXISTS', KEYS[2]) == 1 then
  if not call('HGET', KEYS[2], 'withdrawn') then return 0 end
  move(KEYS[2], {open = KEYS[3], decided = KEYS[5]}, 'open', ARGV[2])
  call('HDEL', KEYS[2], 'withdrawn', 'decided_at', 'decided_by', 'decision', 'reason')
end
call('HSET', KEYS[2], unpack(ARGV, 6))
if ARGV[5] ~= '' then call('HSET', KEYS[1], ARGV[5], ARGV[7]) end
call('EXPIRE', KEYS[2], ARGV[1])
call('EXPIRE', KEYS[1], ARGV[1])
call('ZADD', KEYS[3], 0, ARGV[2])
call('XADD', KEYS[4], 'MINID', '~', ARGV[4], '*', 'type', 'review', 'data', ARGV[3])
return 1
