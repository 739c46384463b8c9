-- Gives one subject a code behind one number, or returns the code that the subject holds already.
-- KEYS  1 stamp of the number's codes   2 the subject's lease
--       3.. codes of one length each, the shortest first (score: held until, ms; 0: never told to anybody)
-- ARGV  1 stamp expected   2 lease id   3 seconds the lease lasts (0: only a lease that is there is wanted)
--       4 ms that a code rests after a lease   5 virtual time in ms, empty in production: Redis's own time
--       6.. for each length: first code, how many, step
-- RETURNS {"cold"}  the codes are not in Redis as the stamp says: rebuild them, then ask again
--         {"none"}  no lease of the subject is there   {"full"}  every code is held
--         {"again" | "new", lease id, code, leased at ms, held until ms, held until before this lease, ms left of it}
-- COST  O(log n) in the codes of a length; at most all lengths are looked at
-- INVARIANT  a code that is held is never given; one that rests only when no length has another, and then the one that
--            has rested longest. A set holds the first fresh codes of its length without a gap, so its size counts them.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'cold'} end
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local held = redis.call('GET', KEYS[2])
if held then
  local lease, code, from, to, before = string.match(held, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
  if tonumber(to) > now then return {'again', lease, code, from, to, before, string.format('%d', to - now)} end
end
if ARGV[3] == '0' then return {'none'} end

local key, code, before = nil, nil, math.huge
for i = 3, #KEYS do
  local first, size, step = tonumber(ARGV[3 * i - 3]), tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local given = redis.call('ZCARD', KEYS[i])
  if given < size then
    key, code, before = KEYS[i], string.format('%d', first + given * step % size), 0
  else
    local oldest = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
    if tonumber(oldest[2]) < before then key, code, before = KEYS[i], oldest[1], tonumber(oldest[2]) end
  end
  if before + ARGV[4] <= now then break end
end
if before > now then return {'full'} end

local from, to, free = string.format('%d', now), string.format('%d', now + ARGV[3] * 1000), string.format('%d', before)
redis.call('ZADD', key, to, code)
redis.call('SET', KEYS[2], table.concat({ARGV[2], code, from, to, free}, ' '), 'EX', ARGV[3])
return {'new', ARGV[2], code, from, to, free, string.format('%d', to - now)}
