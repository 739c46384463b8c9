-- Writes the pool of one office anew, from what the lease log in SQL says.
-- KEYS  1 pool stamp   2 .. 1 + C numbers, one key a class   2 + C .. one key a subject with a live lease
-- ARGV  1 stamp   2 C, classes   3 N, numbers   then N times: number id, index of its class (1..C), held until ms
--       (0: never leased)   then for each subject: the value of its lease, seconds it has left
-- RETURNS 1 when written, 0 when somebody else has written the same stamp already
-- COST  O(N log N + live leases), once after the office's numbers changed or Redis started
-- INVARIANT  afterwards the pool holds exactly the numbers given, each in the set of its class.
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
local classes, numbers = tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 1, 1 + classes do redis.call('DEL', KEYS[i]) end
local at = 4
for _ = 1, numbers do
  redis.call('ZADD', KEYS[1 + ARGV[at + 1]], ARGV[at + 2], ARGV[at])
  at = at + 3
end
for i = 2 + classes, #KEYS do
  redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[at + 1])
  at = at + 2
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
