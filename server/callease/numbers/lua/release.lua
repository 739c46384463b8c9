-- Takes back a lease that could not be written to the log: it was never shown to anybody.
-- KEYS  1 pool stamp   2 the subject's lease   3 warmth   4 held numbers   5, 6 the number's group before the lease,
--       free and held   7 its group since, held
-- ARGV  1 run id and fence, as the stamp of the pool that gave it begins   2 lease id   3 number id   4 source class
--       5 leased at ms   6 held until ms, by this lease   7 warm since ms, 8 index of its group, 9 held until ms, all
--       before it   10 what the lease counts   11 what was left of sessions that it covered
--       12 until when, ms, more than one lease held the number before it
-- RETURNS 1 when the lease was taken back, 0 when the subject holds another one by now, or the pool is another one
-- COST  O(log n) in the numbers of the office
-- INVARIANT  a number that somebody else was given since stays held for them.
local stamp = redis.call('GET', KEYS[1])
if not stamp or string.match(stamp, '^(.*):') ~= ARGV[1] then return 0 end
local mine = redis.call('GET', KEYS[2])
if not mine or string.sub(mine, 1, #ARGV[2] + 1) ~= ARGV[2] .. ' ' then return 0 end
redis.call('DEL', KEYS[2])
local packed = redis.call('HGET', KEYS[3], ARGV[3])
if not packed then return 1 end
local head, kept, classes, at = head_of(packed), 1 - ARGV[10] * (1 - ARGV[11]), {}, CLASSES
while at <= #packed do
  local class = class_at(packed, at)
  at = class[COMPONENTS + 2]
  for k = 1, class[1] == ARGV[4] and COMPONENTS or 0 do
    local share = math.min(class[1 + k], tonumber(ARGV[10]))
    class[1 + k], head[ALL + k] = class[1 + k] - share, head[ALL + k] - share
    head[SESSIONS + k] = math.max(0, head[SESSIONS + k] - share) / kept
  end
  classes[#classes + 1] = packed_class(class)
end
if head[2] == tonumber(ARGV[5]) then
  head[2], head[3], head[4] = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[12])
  if redis.call('ZSCORE', KEYS[4], ARGV[3]) == ARGV[6] then
    redis.call('ZREM', KEYS[7], ARGV[3])
    redis.call('ZREM', KEYS[4], ARGV[3])
    redis.call('ZADD', KEYS[ARGV[9] == '0' and 5 or 6], ARGV[7], ARGV[3])
    if ARGV[9] ~= '0' then redis.call('ZADD', KEYS[4], ARGV[9], ARGV[3]) end
  end
end
redis.call('HSET', KEYS[3], ARGV[3], packed_head(head) .. table.concat(classes))
return 1
