-- Takes back a lease that could not be written to the log: it was never shown to anybody.
-- KEYS  1 the subject's lease   2 held numbers   3 all numbers   4 number -> index of its class
--       5.. free numbers, one key a class
-- ARGV  1 lease id   2 number id   3 "shared" leaves the number held for its other holder
-- RETURNS 1 when the lease was taken back, 0 when the subject holds another one by now
-- COST  O(log n) in the numbers of the office
-- INVARIANT  a number that is freed here goes to the free set of its own class.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= 'shared' and redis.call('ZREM', KEYS[2], ARGV[2]) == 1 then
  redis.call('ZADD', KEYS[4 + redis.call('HGET', KEYS[4], ARGV[2])], redis.call('ZSCORE', KEYS[3], ARGV[2]), ARGV[2])
end
return 1
