-- Join accounts, and the clusters they are in, to one cluster, and add up what was spent.
--
-- KEYS    the budgets of the accounts and then of the members, then for each cluster concerned its hash and its members, the
--         one that stays first, then for each entity among the edges the word that would forbid it, and last the stream of
--         events
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "ttl", "oldest", "accounts": [[user_id, cluster expected or ""], …],
--         "members": [[user_id, cluster that goes], …], "clusters": [[id, version expected], …],
--         "edges": [[place of the account, entity, until], …], "held": [[place, entity], …], "claims": [entity, …], "event"}
--         Those held are edges that must still be there. All members of every cluster but the one that stays must be among
--         the accounts or members; of the latter some may be forgotten, as a budget that nobody uses is. Claims are edges of
--         what somebody else holds: whoever is bound by one shares the budget of one account.
-- returns {'again'} when something changed since it was read, else {'joined'}
-- TTL     "ttl", for all that is written; the stream is trimmed by age
--+ spends
local call, plan = redis.call, cjson.decode(ARGV[1])
local now = clock(plan.now)
local named = #plan.accounts
local count = named + #plan.members
for i, account in ipairs(plan.accounts) do
  if (call('HGET', KEYS[i], 'cluster') or '') ~= account[2] then return {'again'} end
end
-- A member that is no longer in the cluster that goes is forgotten: had it left, the cluster's version would say so.
local forgotten = {}
for i, member in ipairs(plan.members) do
  forgotten[named + i] = call('HGET', KEYS[named + i], 'cluster') ~= member[2]
end
-- What was cut since, or proved to be an account's own, binds it no more; who gave proof is in no wave.
for _, edge in ipairs(plan.edges) do
  local key, wave = KEYS[edge[1]], string.sub(edge[2], 1, 2) == 'w:'
  if call('HEXISTS', key, 'x:' .. edge[2]) == 1 or call('HEXISTS', key, 'p:' .. edge[2]) == 1
    or (wave and call('HEXISTS', key, 'proof') == 1) then return {'again'} end
end
-- What bound others may have been cut, or found to be a hub, and they stay together by something else.
for _, edge in ipairs(plan.held) do
  if call('HEXISTS', KEYS[edge[1]], 'b:' .. edge[2]) == 0 then return {'again'} end
end
for at = count + 2 * #plan.clusters + 1, #KEYS - 1 do
  if call('EXISTS', KEYS[at]) == 1 then return {'again'} end
end
local function hash(at) return KEYS[count + 2 * at - 1] end
local function members(at) return KEYS[count + 2 * at] end
for at, cluster in ipairs(plan.clusters) do
  -- The one that stays is there as long as one of its accounts is; one that goes must bring all of its accounts along.
  if at > 1 and (call('HGET', hash(at), 'version') or '0') ~= cluster[2] then return {'again'} end
end
local log, due, bad = nil, math.huge, 0
local function join(packed)
  local other = spends_at(packed, now)
  log = log and merged(log, other) or other
end
for at in ipairs(plan.clusters) do
  join(call('HGET', hash(at), 'spends') or nil)
  due = math.min(due, tonumber(call('HGET', hash(at), 'due') or math.huge))
  bad = bad + tonumber(call('HGET', hash(at), 'bad') or 0)
  if at > 1 then
    local fields = call('HGETALL', hash(at))
    for i = 1, #fields, 2 do
      local sort = string.sub(fields[i], 1, 2)
      if sort == 'e:' or sort == 'c:' then
        -- The later end stands.
        local before = tonumber(call('HGET', hash(1), fields[i]) or 0)
        if tonumber(fields[i + 1]) > before then call('HSET', hash(1), fields[i], fields[i + 1]) end
      end
    end
    call('DEL', hash(at), members(at))
  end
end
local into = plan.clusters[1][1]
for i, account in ipairs(plan.accounts) do
  if account[2] == '' then
    join(call('HGET', KEYS[i], 'spends') or nil)
    bad = bad + call('HEXISTS', KEYS[i], 'bad')
  end
  if account[2] ~= into then call('HSET', KEYS[i], 'cluster', into) end
  call('SADD', members(1), account[1])
end
for i, member in ipairs(plan.members) do
  if not forgotten[named + i] then
    call('HSET', KEYS[named + i], 'cluster', into)
    call('SADD', members(1), member[1])
  end
end
for _, edge in ipairs(plan.edges) do
  call('HSET', KEYS[edge[1]], 'b:' .. edge[2], edge[3])
  local before = tonumber(call('HGET', hash(1), 'e:' .. edge[2]) or 0)
  if edge[3] > before then call('HSET', hash(1), 'e:' .. edge[2], edge[3]) end
  due = math.min(due, edge[3])
end
for _, entity in ipairs(plan.claims) do call('HSET', hash(1), 'c:' .. entity, 1) end
local claims = 0
for _, field in ipairs(call('HKEYS', hash(1))) do
  if string.sub(field, 1, 2) == 'c:' then claims = claims + 1 end
end
call('HSET', hash(1), 'spends', packed_spends(log), 'due', due, 'bad', bad, 'claims', claims)
call('HINCRBY', hash(1), 'version', 1)
for i = 1, count + 2 do
  if not forgotten[i] then call('EXPIRE', KEYS[i], plan.ttl) end
end
if plan.event then call('XADD', KEYS[#KEYS], 'MINID', '~', plan.oldest, '*', 'type', 'cluster', 'data', plan.event) end
return {'joined'}
