-- Takes back a lease that could not be written to the log: it was never shown to anybody.
-- KEYS  1 the subject's lease   2 the numbers of its class
-- ARGV  1 lease id   2 number id   3 held until ms, by this lease   4 held until ms, before it
-- RETURNS 1 when the lease was taken back, 0 when the subject holds another one by now
-- COST  O(log n) in the numbers of the office
-- INVARIANT  a number that somebody else was given since stays held for them.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
redis.call('DEL', KEYS[1])
local score = redis.call('ZSCORE', KEYS[2], ARGV[2])
if score and tonumber(score) == tonumber(ARGV[3]) then redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2]) end
return 1
