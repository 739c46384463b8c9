-- Adds to the codes of one number what the lease log in SQL says: codes of one length at a time, at last the leases.
-- KEYS  1 codes of one length; with leases: stamp of the number's codes   2.. one key a subject with a live lease
-- ARGV  1 stamp, empty: codes are given   then code, held until ms each; or value of the lease, seconds it has left each
-- RETURNS 1
-- COST  O(n log n) in what is given: some thousands at a time, once after Redis started
-- INVARIANT  nothing is forgotten: a hold that is there already, whose row may be on its way into the log, goes on.
if ARGV[1] == '' then
  for i = 2, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[i + 1], ARGV[i]) end
  return 1
end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], ARGV[2 * i - 2], 'EX', ARGV[2 * i - 1], 'NX')
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
