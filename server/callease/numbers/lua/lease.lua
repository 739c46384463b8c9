-- Leases one number of one office to one subject, or returns the lease that the subject holds already.
-- KEYS  1 pool stamp   2 the subject's lease   3 warmth of each leased number   4 held numbers (score: until, ms)
--       5.. groups of free numbers (score: warm since, ms; 0: never leased), at most 8: first those of one source
--       class each, then those for any class; then as many groups of held numbers
-- ARGV  1 stamp expected   2 lease id   3 seconds the lease lasts   4 source class
--       5 index of the class's own group (0: none)   6 groups of one class   7 index of the group that a number for
--       any class joins with this lease   8 virtual time in ms, empty in production: Redis's own time
--       9, 10 cost of a wrong session, of a wrong class   11 times a wrong class on the only number of another class
--       12 what the lease counts, 1, less when its visitor's phone is known   13 what is left of a session when a lease
--       covers it   14 first calls that a lease brings, of each component of the delay, then their time constants, ms,
--       negative: 12 doubles
-- RETURNS {"cold"}  the pool is not in Redis as the stamp describes it: rebuild it, then ask again
--         {"empty"}  the office has no number to lease
--         {"again" | "new", lease id, number id, leased at ms, held until ms, "dynamic" | "borrowed" | "shared" when it
--          was made, ms left of it, warm since ms before this lease, index of its group and held until ms before it,
--          index of its group since, until when, ms, more than one lease held it before; again: 1, more do by now}
-- COST  O(log n) in the numbers of the office: looked at is the coldest number of each group in question, 16 at most
-- INVARIANT  a number in somebody else's lease is called "shared", also to who had it first. It is given where nothing is
--            free, or where none that was split off for the class, or leased to it last, is free, and it is harmed less
--            than those that could be borrowed. A free one that was split off for the class is taken before any other.
--            Only numbers that the rebuild wrote can be returned.
local there = redis.call('MGET', KEYS[1], KEYS[2])
if there[1] ~= ARGV[1] then return {'cold'} end
local now = tonumber(ARGV[8])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(ms) return string.format('%d', ms) end
local lasts = ARGV[8] == '' and ARGV[3] or 86400 -- by the server's own clock, which a replay runs past

if there[2] then
  local lease, number, from, to, kind = string.match(there[2], '^(%S+) (%S+) (%d+) (%d+) (%S+)$')
  local known = tonumber(to) > now and redis.call('HGET', KEYS[3], number)
  if known then
    local several = head_of(known)[4]
    return {'again', lease, number, from, to, kind, text(to - now), '0', '0', '0', '0', several > now and '1' or '0'}
  end
end

local groups = (#KEYS - 4) / 2
for _, number in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 64)) do
  local _, since, group = struct.unpack('<ddd', redis.call('HGET', KEYS[3], number))
  redis.call('ZADD', KEYS[4 + group], text(since), number)
  redis.call('ZREM', KEYS[4 + groups + group], number)
  redis.call('ZREM', KEYS[4], number)
end
local own, fixed, joins = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local found, fields = {}, {}
local function look(first, last, free) -- at the coldest of these groups; says whether one cannot be bettered
  for group = first, last do
    local head = redis.call('ZRANGE', KEYS[4 + (free and 0 or groups) + group], 0, 0, 'WITHSCORES')
    if head[1] then
      found[#found + 1], fields[#fields + 1] = {group, head[1], tonumber(head[2]), free}, head[1]
      if free and head[2] == '0' then return true end
    end
  end
end
local from, to, home = own > 0 and own or fixed + 1, own > 0 and own or groups, own > 0 and own or joins
local home_free = look(from, to, true)
for i = 1, #found do home_free = home_free or found[i][1] == home end
if #found == 0 then
  look(1, from - 1, true)
  look(to + 1, groups, true)
end
if #found == 0 then look(1, groups, false) elseif not home_free then look(home, home, false) end
if #found == 0 then return {'empty'} end

local session_cost, class_cost = tonumber(ARGV[9]), tonumber(ARGV[10])
local delay = {struct.unpack('<dddddddddddd', ARGV[14])}
local function class_cost_of(group) -- a class whose only number is taken takes another's, and so on for weeks
  if group <= fixed + 1 or group == home then return class_cost end
  local alone = redis.call('ZCARD', KEYS[4 + group]) + redis.call('ZCARD', KEYS[4 + groups + group]) == 1
  return alone and class_cost * ARGV[11] or class_cost
end

local best, least, warm
for i, packed in ipairs(redis.call('HMGET', KEYS[3], unpack(fields))) do
  local each, damage = found[i], 0
  if not each[4] then damage = 0.001 * (session_cost + class_cost) end
  if packed and found[2] then
    damage = damage + damage_on(packed, now, ARGV[4], delay, session_cost, class_cost_of(each[1]))
  end
  if not best or damage < least or (damage == least and each[3] < best[3]) then
    best, least, warm = each, damage, packed
  end
end

local group, number, since = best[1], best[2], best[3]
local before = best[4] and 0 or tonumber(redis.call('ZSCORE', KEYS[4], number))
local kind = before > 0 and 'shared' or group >= from and group <= to and 'dynamic' or 'borrowed'
local lasts_until = now + ARGV[3] * 1000
local ends = math.max(lasts_until, before)
local was_several = warm and head_of(warm)[4] or 0
local several = before > 0 and math.max(was_several, math.min(before, lasts_until)) or 0
local joined, weight, cover = group > fixed and joins or group, tonumber(ARGV[12]), tonumber(ARGV[13])
local packed = with_lease(warm, now, ARGV[4], weight, cover, delay, joined, several)
redis.call('HSET', KEYS[3], number, packed)
redis.call('ZREM', KEYS[4 + group + (best[4] and 0 or groups)], number)
redis.call('ZADD', KEYS[4 + groups + joined], text(now), number)
redis.call('ZADD', KEYS[4], text(ends), number)
local expires = text(lasts_until)
redis.call('SET', KEYS[2], table.concat({ARGV[2], number, text(now), expires, kind}, ' '), 'EX', lasts)
return {'new', ARGV[2], number, text(now), expires, kind, text(ARGV[3] * 1000), text(since), group, text(before), joined,
  text(was_several)}
