-- Leases of one number have brought their calls, as far as anybody can tell: they are in other leases' way no longer.
-- KEYS  1 pool stamp   2 warmth   3 held numbers   4.. groups of free numbers, then of held ones
-- ARGV  1 stamp expected   2 number id   3 warm since ms: when the newest lease that may still bring its call was
--       made, 1: none may   4 K, components of the delay   then K time constants in seconds
--       then for each lease: source class, leased at ms, how much of it is done with, 0..1, what its session still
--       counted for, by how much the sessions before it count more again
-- RETURNS 1, 0 when there is nothing to lower, -1 when the pool is not in Redis as the stamp describes it
-- COST  O(leases + log n)
-- INVARIANT  no sum falls below 0, so that being told twice, or after a rebuild that knew of it, does little; a number
--            gets no warmer.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local packed = redis.call('HGET', KEYS[2], ARGV[2])
if not packed then return 0 end
local sums, components, groups = cmsgpack.unpack(packed), tonumber(ARGV[4]), (#KEYS - 3) / 2
for at = 5 + components, #ARGV, 5 do
  local of = sums[3][ARGV[at]]
  if of then
    local age, done, uncovered = math.max(0, sums[1] - ARGV[at + 1]) / 1000, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    for k = 1, components do
      local share = math.min(of[k], done * math.exp(-age / ARGV[4 + k]))
      of[k], sums[2][k] = of[k] - share, sums[2][k] - share
      sums[6][k] = math.min(sums[2][k], math.max(0, sums[6][k] - share * uncovered) * ARGV[at + 4])
    end
  end
end
if tonumber(ARGV[3]) < sums[4] then
  sums[4] = tonumber(ARGV[3])
  redis.call('ZADD', KEYS[3 + sums[5]], 'XX', ARGV[3], ARGV[2])
  redis.call('ZADD', KEYS[3 + groups + sums[5]], 'XX', ARGV[3], ARGV[2])
end
redis.call('HSET', KEYS[2], ARGV[2], cmsgpack.pack(sums))
return 1
