-- Writes the pool of one office anew, from what the lease log in SQL says.
-- KEYS  1 pool stamp   2 .. 1 + C numbers, one key a class   2 + C .. one key a subject with a live lease
-- ARGV  1 stamp   2 C, classes   3 N, numbers   then N times: number id, index of its class (1..C), held until ms
--       (0: never leased)   then for each subject: the value of its lease, seconds it has left
-- RETURNS 1 when written, 0 when somebody else has written the same stamp already
-- COST  O(N log N + live leases), once after the office's numbers changed or Redis started
-- INVARIANT  afterwards the pool holds exactly the numbers given, each in the set of its class; a hold of the same
--            Redis run whose row is still on its way into the log is kept.
local stamp = redis.call('GET', KEYS[1])
if stamp == ARGV[1] then return 0 end
local classes, numbers = tonumber(ARGV[2]), tonumber(ARGV[3])
local known = {}
if stamp and string.match(stamp, '^[^:]*') == string.match(ARGV[1], '^[^:]*') then
  for i = 2, 1 + classes do
    local held = redis.call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES')
    for j = 1, #held, 2 do known[held[j]] = tonumber(held[j + 1]) end
  end
end
for i = 1, 1 + classes do redis.call('DEL', KEYS[i]) end
local at = 4
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
