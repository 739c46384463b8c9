-- Takes back a lease that could not be written to the log: it was never shown to anybody.
-- KEYS  1 pool stamp   2 the subject's lease   3 the numbers of its class
-- ARGV  1 run id and fence, as the stamp of the pool that gave it begins   2 lease id   3 number id
--       4 held until ms, by this lease   5 held until ms, before it
-- RETURNS 1 when the lease was taken back, 0 when the subject holds another one by now, or the pool is another one
-- COST  O(log n) in the numbers of the office
-- INVARIANT  a number that somebody else was given since stays held for them.
local stamp = redis.call('GET', KEYS[1])
if not stamp or string.match(stamp, '^(.*):') ~= ARGV[1] then return 0 end
local held = redis.call('GET', KEYS[2])
if not held or string.sub(held, 1, #ARGV[2] + 1) ~= ARGV[2] .. ' ' then return 0 end
redis.call('DEL', KEYS[2])
local score = redis.call('ZSCORE', KEYS[3], ARGV[3])
if score and tonumber(score) == tonumber(ARGV[4]) then redis.call('ZADD', KEYS[3], ARGV[5], ARGV[3]) end
return 1
