-- Touch entities for one account and count who else shares them. One atomic step for each key given.
--
-- An entity is one sorted set. Members and scores:
--   <user_id>    at          the account touched the entity at Unix time `at`
--   ~<user_id>   1e12 + at   … and that account is limited now
--   !<user_id>   2e12 + at   … and that account is labelled abusive now
--   $<user_id>   3e12 + t    … and that account ran out of a cap at Unix time `t`, the last time it did
--   ^<user_id>   4e12 + t    … and that account came near a cap at `t` (see entity_spend.lua)
--   =            5e12        the entity binds its accounts into a cluster now (see entity_bind.lua)
--   %<user_id>   6e12 + t    … and that account proved at `t` that the entity is its own (see entity_prove.lua)
--   &<user_id>   7e12 + t    … and that account is an established customer since `t` (see entity_mark.lua)
-- A user_id never starts with one of these signs, and no time a caller can give reaches 3e11 (year 9999) or -1e11.
--
-- KEYS    the entities: all of them on one node, one a call on a cluster
-- ARGV    1 user_id   2 at   3 touch: 0 only looks, 1 adds the account and its first time stands, 2 its latest stands
--         4 retention, seconds   5 the most accounts a key keeps   6 the share of limited or abusive accounts from
--         which a key may be a ring, then for each key the number of accounts from which it is a hub (0: never;
--         -1: only counted for reputation)
-- returns for each key {accounts, 1h, 24h, 30d, abusive, limited, {user_id, at, …}}: distinct accounts, the toucher
--         included; abusive, limited and the list (up to eight, newest first; none for a hub that cannot be a ring)
--         leave the toucher out. Where there are marks of the last three sorts, five more: binds (0 or 1), and of
--         the others those that ran out within 24 h and within 7 d, the Unix time of the last (0: none within
--         retention), those near a cap within 7 d
-- TTL     retention, renewed once a day while it is touched; what is older than retention goes then, too
local user, at, touch, retention = ARGV[1], tonumber(ARGV[2]), ARGV[3] ~= '0', tonumber(ARGV[4])
local keep, ring = tonumber(ARGV[5]), tonumber(ARGV[6])
local stands = ARGV[3] == '2' and 'GT' or 'NX'
local call = redis.call
local last = at + 300 -- clocks of callers differ by up to the five minutes the contract allows
-- The bounds are written out once: a call from a script costs more than most of these commands.
local month_ago, day_ago, hour_ago = '(' .. (at - 2592000), '(' .. (at - 86400), '(' .. (at - 3600)

-- How many accounts other than the toucher have a mark of one sort between two times.
local function others_marked(key, sign, region, from)
  local count = call('ZCOUNT', key, region + from, region + last)
  if count == 0 then return 0 end
  local own = tonumber(call('ZSCORE', key, sign .. user) or nil)
  return own and own >= region + from and own <= region + last and count - 1 or count
end

-- The five last numbers of a row, or nothing where there are no such marks. Only asked where there are marks at all.
local function add_spending(row, key, since)
  local rest = call('ZCOUNT', key, 29e11, '+inf')
  if rest == 0 then return end
  row[8] = call('ZSCORE', key, '=') and 1 or 0
  row[9], row[10], row[11], row[12] = 0, 0, 0, 0
  if rest == row[8] then return end
  row[10] = others_marked(key, '$', 3e12, at - 604800)
  if row[10] > 0 then row[9] = others_marked(key, '$', 3e12, at - 86400) end
  local newest = call('ZREVRANGEBYSCORE', key, 3e12 + last, 3e12 + since, 'WITHSCORES', 'LIMIT', 0, 2)
  local time = newest[newest[1] == '$' .. user and 4 or 2]
  if time then row[11] = math.max(0, time - 3e12) end
  row[12] = others_marked(key, '^', 4e12, at - 604800)
end

local replies = {}
for i, key in ipairs(KEYS) do
  local hub = tonumber(ARGV[6 + i])
  local added = touch and call('ZADD', key, stands, ARGV[2], user) or 0
  local members = call('ZCARD', key)
  if members == added then
    if added == 1 then call('EXPIRE', key, retention) end
    replies[i] = {members, members, members, members, 0, 0, {}}
  else
    local since = at - retention
    if touch and call('TTL', key) < retention - 86400 then
      call('EXPIRE', key, retention)
      for _, region in ipairs({0, 1e12, 2e12, 3e12, 4e12}) do
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
      if stands == 'GT' and added == 0 then -- standing is as young as the touch it belongs to
        call('ZADD', key, 'XX', 'GT', 1e12 + at, '~' .. user, 2e12 + at, '!' .. user)
      end
      abusive = others_marked(key, '!', 2e12, since)
      limited = others_marked(key, '~', 1e12, since)
    end
    if hub == -1 then
      replies[i] = {accounts, 0, 0, 0, abusive, limited, {}}
    else
      local month = call('ZCOUNT', key, month_ago, last)
      local day = month ~= added and call('ZCOUNT', key, day_ago, last) or month
      local hour = day ~= added and call('ZCOUNT', key, hour_ago, last) or day
      local others = {}
      if hub == 0 or month <= hub or math.max(abusive, limited) >= ring * accounts then
        local newest = call('ZREVRANGEBYSCORE', key, last, '(' .. since, 'WITHSCORES', 'LIMIT', 0, 9)
        for j = 1, #newest, 2 do
          if newest[j] ~= user and #others < 16 then
            others[#others + 1] = newest[j]
            others[#others + 1] = newest[j + 1]
          end
        end
      end
      replies[i] = {accounts, hour, day, month, abusive, limited, others}
      if marked then add_spending(replies[i], key, since) end
    end
  end
end
return replies
