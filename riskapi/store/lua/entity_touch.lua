-- Touch entities for one account and count who else shares them. One atomic step for each key given.
--
-- An entity is one sorted set. Members and scores:
--   <user_id>    at          the account touched the entity at Unix time `at` (the first time stands)
--   ~<user_id>   1e12 + at   … and that account is limited now
--   !<user_id>   2e12 + at   … and that account is labelled abusive now
-- A user_id never starts with ~ or !, and no time a caller can give reaches 1e12.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster
-- ARGV    1 user_id   2 at   3 touch: 1 adds the account, 0 only looks   4 retention, seconds
--         5 the most accounts a key keeps, then for each key the number of accounts from which it is a hub
--         (0: never; -1: only counted for reputation)
-- returns for each key {accounts, 1h, 24h, 30d, abusive, limited, {user_id, at, …}}: distinct accounts, the toucher
--         included; abusive, limited and the list (up to eight, newest first) leave the toucher out
-- TTL     retention, renewed once a day while it is touched; what is older than retention goes then, too
local user, at, touch, retention = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local keep = tonumber(ARGV[5])
local call = redis.call
local last = at + 300 -- clocks of callers differ by up to the five minutes the contract allows
-- The bounds are written out once: a call from a script costs more than most of these commands.
local month_ago, day_ago, hour_ago = '(' .. (at - 2592000), '(' .. (at - 86400), '(' .. (at - 3600)
local replies = {}
for i, key in ipairs(KEYS) do
  local hub = tonumber(ARGV[5 + i])
  local added = touch and call('ZADD', key, 'NX', ARGV[2], user) or 0
  local members = call('ZCARD', key)
  if members == added then
    if added == 1 then call('EXPIRE', key, retention) end
    replies[i] = {members, members, members, members, 0, 0, {}}
  else
    local since = at - retention
    if touch and call('TTL', key) < retention - 86400 then
      call('EXPIRE', key, retention)
      for _, region in ipairs({0, 1e12, 2e12}) do
        call('ZREMRANGEBYSCORE', key, region > 0 and region - 1e11 or '-inf', '(' .. (region + since))
      end
      members = call('ZCARD', key)
    end
    local accounts = call('ZCOUNT', key, since, '(5e11')
    local marked = members > accounts
    if accounts > keep then
      -- Count bad accounts over the same stretch of time as all accounts.
      call('ZREMRANGEBYRANK', key, 0, accounts - keep - 1)
      accounts = keep
      since = math.max(since, tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]))
    end
    local abusive, limited = 0, 0
    if marked then
      abusive = call('ZCOUNT', key, 2e12 + since, 2e12 + last)
      limited = call('ZCOUNT', key, 1e12 + since, 1e12 + last)
      if abusive > 0 and call('ZSCORE', key, '!' .. user) then abusive = abusive - 1 end
      if limited > 0 and call('ZSCORE', key, '~' .. user) then limited = limited - 1 end
    end
    if hub == -1 then
      replies[i] = {accounts, 0, 0, 0, abusive, limited, {}}
    else
      local month = call('ZCOUNT', key, month_ago, last)
      local day = month ~= added and call('ZCOUNT', key, day_ago, last) or month
      local hour = day ~= added and call('ZCOUNT', key, hour_ago, last) or day
      local others = {}
      if hub == 0 or month <= hub then
        local newest = call('ZREVRANGEBYSCORE', key, last, '(' .. since, 'WITHSCORES', 'LIMIT', 0, 9)
        for j = 1, #newest, 2 do
          if newest[j] ~= user and #others < 16 then
            others[#others + 1] = newest[j]
            others[#others + 1] = newest[j + 1]
          end
        end
      end
      replies[i] = {accounts, hour, day, month, abusive, limited, others}
    end
  end
end
return replies
