-- Why an entry of a list stands there, in fields of its details: `c:<decision>` for each decision that wants it, and
-- `own` where a person put it there besides. Each says until when: a Unix time, or '' for never. Where it has no cause,
-- a person put it there.

-- When the last cause of an entry ends; nil where none is left.
local function last_cause(details)
  local fields, latest = redis.call('HGETALL', details), nil
  for at = 1, #fields, 2 do
    if fields[at] == 'own' or string.sub(fields[at], 1, 2) == 'c:' then
      local ends = fields[at + 1]
      if ends == '' then return '' end
      if not latest or tonumber(ends) > tonumber(latest) then latest = ends end
    end
  end
  return latest
end

-- Let an entry be what a person put there, whatever decisions want.
local function forget_causes(details)
  for _, name in ipairs(redis.call('HKEYS', details)) do
    if name == 'own' or string.sub(name, 1, 2) == 'c:' then redis.call('HDEL', details, name) end
  end
end
