-- Whether one more lease is within the budgets of whoever asks for it, before it is made.
-- KEYS  1 marks a solved challenge as used   2.. one set of subjects a budget: visitor, address, ...
-- ARGV  1 subject   2 seconds that a budget is for   3 1: a challenge was solved, 0: none   then for each set: subjects
--       it may hold, subjects it may hold when challenges were solved
-- RETURNS {0}  within all budgets, or asked for before: the subject is counted
--         {index of the budget that is spent, 1.., seconds until it starts anew}
-- COST  O(budgets)
-- INVARIANT  a set never holds more than its budget, whoever asks how often; a solved challenge counts once; a subject
--            that was let in stays in for as long as its set lasts.
local proven = ARGV[3] == '1' and redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[2]) and 1 or 0
for i = 2, #KEYS do
  if redis.call('SISMEMBER', KEYS[i], ARGV[1]) == 1 then return {0} end
end
for i = 2, #KEYS do
  if redis.call('SCARD', KEYS[i]) >= tonumber(ARGV[2 * i + proven]) then
    return {i - 1, math.max(1, redis.call('TTL', KEYS[i]))}
  end
end
for i = 2, #KEYS do
  redis.call('SADD', KEYS[i], ARGV[1])
  if redis.call('TTL', KEYS[i]) < 0 then redis.call('EXPIRE', KEYS[i], ARGV[2]) end
end
return {0}
