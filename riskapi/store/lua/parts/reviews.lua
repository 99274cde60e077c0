-- Reviews: who may move one, and how it goes from index to index.

-- What keeps a reviewer from moving a review: its status and holder; nil where nothing does.
local function barred(review, reviewer, now, claim_seconds)
  local found = redis.call('HMGET', review, 'status', 'reviewer', 'claimed_at')
  local status, holder = found[1] or '', found[2] or ''
  if status == '' or status == 'decided' then return {status, holder} end
  if holder == '' or holder == reviewer or now >= tonumber(found[3] or 0) + claim_seconds then return nil end
  return {status, holder}
end

-- Let a review stand in the index of another status, at `place` or, without one, at the place it has.
local function move(review, indexes, status, place)
  local found = redis.call('HMGET', review, 'status', 'place')
  place = place or found[2]
  redis.call('ZREM', indexes[found[1]], found[2])
  redis.call('ZADD', indexes[status], 0, place)
  redis.call('HSET', review, 'status', status, 'place', place)
end

-- Write a review about an account that is being written, `given` as in account_record.lua. Its values are the last of ARGV, after
-- its event: they need not be text, as those in JSON must.
local function open_review(review, index, given)
  local place, first = given.review.place, given.review.first
  local id, opened_at, risk_score = unpack(ARGV, first + 1, first + 3)
  redis.call('HSET', review, 'id', id, 'user_id', given.user_id, 'status', 'open', 'place', place,
    'opened_at', opened_at, 'risk_score', risk_score, unpack(ARGV, first + 4))
  redis.call('EXPIRE', review, given.ttl)
  redis.call('ZADD', index, 0, place)
end
