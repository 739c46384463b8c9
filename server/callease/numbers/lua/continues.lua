-- Says whether an office's pool is the one that the lease log is known to have been read for.
-- KEYS  1 pool stamp
-- ARGV  1 run id and fence, as the stamp begins
-- RETURNS 1 or 0
-- COST  O(1)
-- INVARIANT  writes nothing
local stamp = redis.call('GET', KEYS[1])
return stamp and string.match(stamp, '^(.*):') == ARGV[1] and 1 or 0
