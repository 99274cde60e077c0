-- Have the table tell of the kinds of its entries, see riskapi/lists/signup_entries.py.
--
-- KEYS    1 table of lists
-- ARGV    1 name of a new generation, begun where the table does not tell, or somebody wrote since who does not keep it
--         where the kinds of all entries were read:   2 generation of which that was   3 these kinds, parted by spaces
-- returns what the table tells now
-- TTL     none: with the table
--+ listed
local call, generation, fields, kinds, sign = redis.call, told_kinds()
if not generation then
  generation, fields, kinds, sign = ARGV[1], call('HLEN', KEYS[1]) - call('HEXISTS', KEYS[1], 'kinds'), '', '?'
elseif generation == ARGV[2] then
  for kind in string.gmatch(ARGV[3], '%S+') do kinds = with_kind(kinds, kind) end
  sign = '+'
end
local said = generation .. ' ' .. fields .. ' ' .. kinds .. sign
if call('HGET', KEYS[1], 'kinds') ~= said then call('HSET', KEYS[1], 'kinds', said) end
return said
