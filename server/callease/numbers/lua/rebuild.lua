-- Writes the pool of one office anew, from what the lease log in SQL says.
-- KEYS  1 pool stamp   2 .. 1 + C numbers, one key a class   2 + C .. one key a subject with a live lease
-- ARGV  1 stamp   2 1: the fence was raised for this writing alone, before the log was read; 0: the pool there is expected to go on
--       3 C, classes   4 N, numbers   then N times: number id, index of its class (1..C), held until ms
--       (0: never leased)   then for each subject: the value of its lease, seconds it has left
-- RETURNS 1 when it is there, perhaps written by somebody else; 0 when the pool has become another one meanwhile
-- COST  O(N log N + live leases), once after the office's numbers changed or Redis started
-- INVARIANT  afterwards the pool holds exactly the numbers given, each in the set of its class; a hold behind the same
--            fence whose row is still on its way into the log is kept; a pool behind a higher fence is left alone.
local stamp = redis.call('GET', KEYS[1])
if stamp == ARGV[1] then return 1 end
local run, fence = string.match(ARGV[1], '^(.*):(%d+):%d+$')
local run_there, fence_there = string.match(stamp or '', '^(.*):(%d+):%d+$')
local goes_on = run_there == run and fence_there == fence
if run_there == run and tonumber(fence_there) > tonumber(fence) then return 0 end
if not goes_on and ARGV[2] == '0' then return 0 end
local classes, numbers = tonumber(ARGV[3]), tonumber(ARGV[4])
local known = {}
if goes_on then
  for i = 2, 1 + classes do
    local held = redis.call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES')
    for j = 1, #held, 2 do known[held[j]] = tonumber(held[j + 1]) end
  end
end
for i = 1, 1 + classes do redis.call('DEL', KEYS[i]) end
local at = 5
for _ = 1, numbers do
  local score = math.max(tonumber(ARGV[at + 2]), known[ARGV[at]] or 0)
  redis.call('ZADD', KEYS[1 + ARGV[at + 1]], string.format('%d', score), ARGV[at])
  at = at + 3
end
for i = 2 + classes, #KEYS do
  redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[at + 1])
  at = at + 2
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
