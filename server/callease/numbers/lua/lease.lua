-- Leases one number of one office to one subject, or returns the lease that the subject holds already.
-- KEYS  1 pool stamp   2 the subject's lease   3 the visitor's counter   4 the address's counter
--       5.. numbers of one source class each (score: held until, ms; 0: never leased), at most 16 classes
-- ARGV  1 stamp expected   2 lease id   3 seconds the lease lasts   4 index of the wanted class (0: none of them)
--       5, 6 new leases an hour that a visitor, an address may have (0: no limit)
--       7 virtual time in ms, empty in production: Redis's own time
-- RETURNS {"cold"}  the pool is not in Redis as the stamp describes it: rebuild it, then ask again
--         {"limited", seconds until the counter starts anew}
--         {"empty"}  the office has no number to lease
--         {"again" | "new", lease id, number id, leased at ms, held until ms, "dynamic" | "borrowed" | "shared",
--          index of its class, held until before this lease, ms left of it}
-- COST  O(log n) in the numbers of the office; one class is looked at, all of them only when it has nothing free
-- INVARIANT  the number whose hold ended first is the coldest; one that is still held is given out only as "shared",
--            and only when no class has a free one; only numbers that the rebuild wrote can be returned.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'cold'} end
local now = tonumber(ARGV[7])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local held = redis.call('GET', KEYS[2])
if held then
  local lease, number, from, to, kind, class = string.match(held, '^(%S+) (%S+) (%d+) (%d+) (%S+) (%d+)$')
  if tonumber(to) > now and KEYS[4 + class] and redis.call('ZSCORE', KEYS[4 + class], number) then
    return {'again', lease, number, from, to, kind, class, to, string.format('%d', to - now)}
  end
end

local kind, class, number, before = 'dynamic', tonumber(ARGV[4]), nil, math.huge
local function coldest_of(i)
  local head = redis.call('ZRANGE', KEYS[4 + i], 0, 0, 'WITHSCORES')
  if head[1] and tonumber(head[2]) < before then class, number, before = i, head[1], tonumber(head[2]) end
end
if class > 0 then coldest_of(class) end
if before > now then
  kind = 'borrowed'
  for i = 1, #KEYS - 4 do coldest_of(i) end
  if not number then return {'empty'} end
  if before > now then kind = 'shared' end
end

for i = 5, 6 do
  if ARGV[i] ~= '0' then
    local count = redis.call('INCR', KEYS[i - 2])
    if count == 1 then redis.call('EXPIRE', KEYS[i - 2], 3600) end
    if count > tonumber(ARGV[i]) then return {'limited', redis.call('TTL', KEYS[i - 2])} end
  end
end

local ends = string.format('%d', now + ARGV[3] * 1000)
now = string.format('%d', now)
redis.call('ZADD', KEYS[4 + class], 'GT', ends, number)
redis.call('SET', KEYS[2], table.concat({ARGV[2], number, now, ends, kind, class}, ' '), 'EX', ARGV[3])
return {'new', ARGV[2], number, now, ends, kind, class, string.format('%d', before), string.format('%d', ends - now)}
