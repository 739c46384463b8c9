-- Takes back a code whose lease could not be written to the log: it was never told to anybody.
-- KEYS  1 the subject's lease   2 the codes of its length
-- ARGV  1 lease id   2 code   3 held until ms, by this lease   4 held until ms, before it
-- RETURNS 1 when it was taken back, 0 when the subject holds another lease by now
-- COST  O(log n) in the codes of a length
-- INVARIANT  the code stays in its set: taken back, it is the next to be given when no fresh one is left.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then return 0 end
redis.call('DEL', KEYS[1])
local score = redis.call('ZSCORE', KEYS[2], ARGV[2])
if score and tonumber(score) == tonumber(ARGV[3]) then redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2]) end
return 1
