-- Leases one number of one office to one subject, or returns the lease that the subject holds already.
-- KEYS  1 pool stamp   2 the subject's lease   3 held numbers (score: held until, ms)   4 all numbers (score: last
--       leased, ms)   5 number -> index of its class   6 the visitor's counter   7 the address's counter
--       8.. free numbers (score: last leased, ms), one key a source class of the office, at most 16
-- ARGV  1 stamp expected   2 lease id   3 seconds the lease lasts   4 index of the wanted class (0: none of them)
--       5, 6 new leases an hour that a visitor, an address may have (0: no limit)
--       7 virtual time in ms, empty in production: Redis's own time
-- RETURNS {"cold"}  the pool is not in Redis as the stamp describes it: rebuild it, then ask again
--         {"limited", seconds until the counter starts anew}
--         {"empty"}  the office has no number to lease
--         {"again" | "new", lease id, number id, leased at ms, held until ms, "dynamic" | "borrowed" | "shared"}
-- COST  O(log n) in the numbers of the office; at most 16 expired holds are freed and 16 classes looked at
-- INVARIANT  a number is either in `held` or in the free set of its class; a held number is given out again only as
--            "shared"; only numbers that the rebuild put under this office's keys can be returned.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'cold'} end
local now = tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local held_already = redis.call('GET', KEYS[2])
if held_already then
  local lease, number, from, to, kind = string.match(held_already, '^(%S+) (%S+) (%d+) (%d+) (%S+)$')
  if tonumber(to) > now and redis.call('ZSCORE', KEYS[4], number) then
    return {'again', lease, number, from, to, kind}
  end
end
for i = 5, 6 do
  local limit = tonumber(ARGV[i])
  if limit > 0 and tonumber(redis.call('GET', KEYS[i + 1]) or 0) >= limit then
    return {'limited', redis.call('TTL', KEYS[i + 1])}
  end
end

for _, number in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 16)) do
  redis.call('ZREM', KEYS[3], number)
  redis.call('ZADD', KEYS[7 + redis.call('HGET', KEYS[5], number)], redis.call('ZSCORE', KEYS[4], number), number)
end

local kind, number, set = 'dynamic', nil, nil
local wanted = tonumber(ARGV[4])
if wanted > 0 then
  set = KEYS[7 + wanted]
  number = redis.call('ZRANGE', set, 0, 0)[1]
end
if not number then
  kind = 'borrowed'
  local coldest = math.huge
  for i = 8, #KEYS do
    local head = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
    if head[1] and tonumber(head[2]) < coldest then
      number, set, coldest = head[1], KEYS[i], tonumber(head[2])
    end
  end
end
if not number then
  kind, set = 'shared', nil
  number = redis.call('ZRANGE', KEYS[4], 0, 0)[1]
  if not number then return {'empty'} end
end

local ends = now + ARGV[3] * 1000
if set then redis.call('ZREM', set, number) end
redis.call('ZADD', KEYS[3], 'GT', ends, number)
redis.call('ZADD', KEYS[4], now, number)
local value = string.format('%s %s %d %d %s', ARGV[2], number, now, ends, kind)
redis.call('SET', KEYS[2], value, 'EX', ARGV[3])
for i = 5, 6 do
  if ARGV[i] ~= '0' and redis.call('INCR', KEYS[i + 1]) == 1 then redis.call('EXPIRE', KEYS[i + 1], 3600) end
end
return {'new', ARGV[2], number, string.format('%d', now), string.format('%d', ends), kind}
