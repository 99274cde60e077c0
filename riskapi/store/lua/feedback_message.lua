-- Note whose a message is, by its id, as the caller told it at send time.
--
-- KEYS    1 the message
-- ARGV    1 user_id   2 TTL, seconds
-- returns 'told'; 'several' where other accounts told the same id: then it says of nobody whose it is
-- TTL     ARGV[2], from when it was told last
local holder = redis.call('GET', KEYS[1])
local several = holder and holder ~= ARGV[1]
redis.call('SET', KEYS[1], several and '' or ARGV[1], 'EX', ARGV[2])
return several and 'several' or 'told'
