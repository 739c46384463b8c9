-- Writes the pool of one office anew, from what the lease log in SQL says.
-- KEYS  1 pool stamp   2 held numbers   3 all numbers   4 number -> index of its class
--       5 .. 4 + C free numbers, one key a class   5 + C .. one key a subject with a live lease
-- ARGV  1 stamp   2 C, classes   3 N, numbers   then N times: number id, index of its class (1..C), last leased ms,
--       held until ms (0: free)   then for each subject: the value of its lease, seconds it has left
-- RETURNS 1 when written, 0 when somebody else has written the same stamp already
-- COST  O(N log N + live leases), once after the pool's numbers changed or Redis started
-- INVARIANT  afterwards the pool holds exactly the numbers given, each either held or free.
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
local classes, numbers = tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 1, 4 + classes do redis.call('DEL', KEYS[i]) end
local at = 4
for _ = 1, numbers do
  local number, class, last, held_until = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  redis.call('HSET', KEYS[4], number, class)
  redis.call('ZADD', KEYS[3], last, number)
  if held_until == '0' then
    redis.call('ZADD', KEYS[4 + class], last, number)
  else
    redis.call('ZADD', KEYS[2], held_until, number)
  end
  at = at + 4
end
for i = 5 + classes, #KEYS do
  redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[at + 1])
  at = at + 2
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
