-- Have an account decided again at a time. One that is due earlier may be under way already, with what was known then: it
-- is noted for whoever is done with it that it is to be looked at once more.
--
-- KEYS    1 agenda of the shard   2 causes of the shard
-- ARGV    1 user_id   2 when it is due   3 cause
-- returns 1, or 0 where it is due earlier
-- TTL     none: accounts leave the agenda when they were looked at for the last time
--+ agenda
return add_due(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]) and 1 or 0
