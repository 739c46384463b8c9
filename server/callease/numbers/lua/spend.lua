-- Leases of one number have brought their calls, as far as anybody can tell: they are in other leases' way no longer.
-- KEYS  1 pool stamp   2 warmth   3 held numbers   4.. groups of free numbers, then of held ones
-- ARGV  1 stamp expected   2 number id   3 warm since ms: when the newest lease that may still bring its call was
--       made, 1: none may   4 time constants of the delay's components, ms, negative: 6 doubles
--       then for each lease: source class, leased at ms, how much of it is done with, 0..1, what its session still
--       counted for, by how much the sessions before it count more again
-- RETURNS 1, 0 when there is nothing to lower, -1 when the pool is not in Redis as the stamp describes it
-- COST  O(leases + log n)
-- INVARIANT  no sum falls below 0, so that being told twice, or after a rebuild that knew of it, does little; a number
--            gets no warmer.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local packed = redis.call('HGET', KEYS[2], ARGV[2])
if not packed then return 0 end
local head, taus, groups = head_of(packed), {struct.unpack('<dddddd', ARGV[4])}, (#KEYS - 3) / 2
local classes, names, at = {}, {}, CLASSES
while at <= #packed do
  local class = class_at(packed, at)
  at = class[COMPONENTS + 2]
  classes[class[1]], names[#names + 1] = class, class[1]
end
for i = 5, #ARGV, 5 do
  local class = classes[ARGV[i]]
  if class then
    local age, done, uncovered = math.max(0, head[1] - ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    for k = 1, COMPONENTS do
      local share = math.min(class[1 + k], done * math.exp(age / taus[k]))
      class[1 + k], head[ALL + k] = class[1 + k] - share, head[ALL + k] - share
      local sessions = math.max(0, head[SESSIONS + k] - share * uncovered) * ARGV[i + 4]
      head[SESSIONS + k] = math.min(head[ALL + k], sessions)
    end
  end
end
if tonumber(ARGV[3]) < head[2] then
  head[2] = tonumber(ARGV[3])
  redis.call('ZADD', KEYS[3 + head[3]], 'XX', ARGV[3], ARGV[2])
  redis.call('ZADD', KEYS[3 + groups + head[3]], 'XX', ARGV[3], ARGV[2])
end
for i, name in ipairs(names) do names[i] = packed_class(classes[name]) end
redis.call('HSET', KEYS[2], ARGV[2], packed_head(head) .. table.concat(names))
return 1
