-- Join accounts, and the clusters they are in, to one cluster, and add up what was spent.
--
-- KEYS    the budgets of the accounts, then for each cluster concerned its hash and its members, the one that stays first,
--         then for each entity among the edges the word that would forbid it, and last the stream of events
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "ttl", "oldest", "accounts": [[user_id, cluster expected or ""], …],
--         "clusters": [[id, version expected], …], "edges": [[place of the account, entity, until], …],
--         "held": [[place, entity], …], "event"}
--         Those held are edges that must still be there. Of every cluster but the one that stays, all
--         members must be among the accounts.
-- returns {'again'} when something changed since it was read, else {'joined'}
-- TTL     "ttl", for all that is written; the stream is trimmed by age
--+ spends
local call, plan = redis.call, cjson.decode(ARGV[1])
local now = clock(plan.now)
local count = #plan.accounts
for i, account in ipairs(plan.accounts) do
  if (call('HGET', KEYS[i], 'cluster') or '') ~= account[2] then return {'again'} end
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
local log, due = nil, math.huge
local function join(packed)
  local other = spends_at(packed, now)
  log = log and merged(log, other) or other
end
for at in ipairs(plan.clusters) do
  join(call('HGET', hash(at), 'spends') or nil)
  due = math.min(due, tonumber(call('HGET', hash(at), 'due') or math.huge))
  if at > 1 then
    local fields = call('HGETALL', hash(at))
    for i = 1, #fields, 2 do
      if string.sub(fields[i], 1, 2) == 'e:' then call('HSET', hash(1), fields[i], fields[i + 1]) end
    end
    call('DEL', hash(at), members(at))
  end
end
local into = plan.clusters[1][1]
for i, account in ipairs(plan.accounts) do
  if account[2] == '' then join(call('HGET', KEYS[i], 'spends') or nil) end
  if account[2] ~= into then call('HSET', KEYS[i], 'cluster', into) end
  call('SADD', members(1), account[1])
end
for _, edge in ipairs(plan.edges) do
  call('HSET', KEYS[edge[1]], 'b:' .. edge[2], edge[3])
  local before = tonumber(call('HGET', hash(1), 'e:' .. edge[2]) or 0)
  if edge[3] > before then call('HSET', hash(1), 'e:' .. edge[2], edge[3]) end
  due = math.min(due, edge[3])
end
call('HSET', hash(1), 'spends', cmsgpack.pack(log), 'due', due)
call('HINCRBY', hash(1), 'version', 1)
for i = 1, count + 2 do call('EXPIRE', KEYS[i], plan.ttl) end
if plan.event then call('XADD', KEYS[#KEYS], 'MINID', '~', plan.oldest, '*', 'type', 'cluster', 'data', plan.event) end
return {'joined'}
