-- Writes the pool of one office anew, from what the lease log in SQL says.
-- KEYS  1 pool stamp   2 warmth   3 held numbers   4.. G groups of free numbers, G of held ones   then one key a
--       subject with a live lease
-- ARGV  1 stamp   2 1: the fence was raised for this writing alone, before the log was read; 0: the pool there is
--       expected to go on   3 now, ms   4 G, groups   5 N, numbers   then N times: number id, index of its group (1..G),
--       warm since ms (0: never leased), held until ms (0: free), its warmth (empty: nothing pending)   then for each
--       subject: the value of its lease, seconds it has left
-- RETURNS 1 when it is there, perhaps written by somebody else; 0 when the pool has become another one meanwhile
-- COST  O(N log N + leases), once after the office's numbers changed or Redis started
-- INVARIANT  afterwards the pool holds exactly the numbers given, each in its group, free or held; a hold behind the
--            same fence whose row is still on its way into the log is kept; a pool behind a higher fence, or behind the
--            same one of a later version, is left alone.
local stamp = redis.call('GET', KEYS[1])
if stamp == ARGV[1] then return 1 end
local run, fence, version = string.match(ARGV[1], '^(.*):(%d+):(%d+)$')
local run_there, fence_there, version_there = string.match(stamp or '', '^(.*):(%d+):(%d+)$')
local goes_on = run_there == run and fence_there == fence
if run_there == run and tonumber(fence_there) > tonumber(fence) then return 0 end
if goes_on and tonumber(version_there) > tonumber(version) then return 0 end
if not goes_on and ARGV[2] == '0' then return 0 end
local now, groups = tonumber(ARGV[3]), tonumber(ARGV[4])
local known, several = {}, {}
if goes_on then
  local held = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
  for i = 1, #held, 2 do
    known[held[i]] = tonumber(held[i + 1])
    several[held[i]] = head_of(redis.call('HGET', KEYS[2], held[i]))[4]
  end
end
for i = 1, 3 + 2 * groups do redis.call('DEL', KEYS[i]) end
local at = 6
for _ = 1, ARGV[5] do
  local number, group, since = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local held, warmth = math.max(tonumber(ARGV[at + 3]), known[ARGV[at]] or 0), ARGV[at + 4]
  at = at + 5
  if since > 0 or held > now then
    local head = warmth == '' and {now, since, group, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} or head_of(warmth)
    head[4] = math.max(head[4], several[number] or 0)
    redis.call('HSET', KEYS[2], number, packed_head(head) .. string.sub(warmth, CLASSES))
  end
  if held > now then
    redis.call('ZADD', KEYS[3], string.format('%d', held), number)
    redis.call('ZADD', KEYS[3 + groups + group], string.format('%d', since), number)
  else
    redis.call('ZADD', KEYS[3 + group], string.format('%d', since), number)
  end
end
for i = 4 + 2 * groups, #KEYS do
  redis.call('SET', KEYS[i], ARGV[at], 'EX', ARGV[at + 1])
  at = at + 2
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
