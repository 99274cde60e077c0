-- Take a cluster apart into the groups that are still bound, each with what its own members spent.
--
-- KEYS    the cluster's hash and its members, the budgets of its accounts, for each new group its hash and its members, and
--         last the stream of events
-- ARGV    1 JSON: {"now" (or "" for the store's clock), "ttl", "oldest", "version", "accounts": [user_id, …], "groups": [{"id", "accounts": [place, …],
--         "entities": {entity: until}, "claims": [entity, …], "due"}, …], "alone": [place, …], "cut": [[place, entity], …], "banned": [[place, entity], …],
--         "event" or null}. The first group keeps the cluster's id. Cut edges are gone, banned ones never come back.
-- returns {'again'} when the cluster changed since it was read, else {'split'}
-- TTL     "ttl", for all that is written; the stream is trimmed by age
--+ spends
local call, plan = redis.call, cjson.decode(ARGV[1])
-- Time does not run backwards for those who stay, whatever the clock of whoever asks says.
local now = spends_at(call('HGET', KEYS[1], 'spends') or nil, clock(plan.now))[1]
local count = #plan.accounts
if (call('HGET', KEYS[1], 'version') or '') ~= plan.version then return {'again'} end
local version = call('HINCRBY', KEYS[1], 'version', 1)
call('DEL', KEYS[1], KEYS[2])
for _, edge in ipairs(plan.cut) do call('HDEL', KEYS[2 + edge[1]], 'b:' .. edge[2]) end
for _, edge in ipairs(plan.banned) do call('HSET', KEYS[2 + edge[1]], 'x:' .. edge[2], now) end
for _, place in ipairs(plan.alone) do call('HDEL', KEYS[2 + place], 'cluster') end
for at, group in ipairs(plan.groups) do
  local hash, members = KEYS[2 + count + 2 * at - 3], KEYS[2 + count + 2 * at - 2]
  if at == 1 then hash, members = KEYS[1], KEYS[2] end
  local log, bad = nil, 0
  for _, place in ipairs(group.accounts) do
    local own = spends_at(call('HGET', KEYS[2 + place], 'spends') or nil, now)
    log = log and merged(log, own) or own
    call('HSET', KEYS[2 + place], 'cluster', group.id)
    call('SADD', members, plan.accounts[place])
    bad = bad + call('HEXISTS', KEYS[2 + place], 'bad')
  end
  call('HSET', hash, 'spends', packed_spends(log), 'due', group.due, 'version', version, 'bad', bad,
    'claims', #group.claims)
  for _, entity in ipairs(group.claims) do call('HSET', hash, 'c:' .. entity, 1) end
  for entity, till in pairs(group.entities) do call('HSET', hash, 'e:' .. entity, till) end
  call('EXPIRE', hash, plan.ttl)
  call('EXPIRE', members, plan.ttl)
end
if plan.event ~= cjson.null then call('XADD', KEYS[#KEYS], 'MINID', '~', plan.oldest, '*', 'type', 'cluster', 'data', plan.event) end
return {'split'}
