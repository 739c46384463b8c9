-- What a lease does to the earlier ones of its number: `numbers/damage.py` says the same of the lease log. Goes between
-- `warmth.lua` and the script that leases. `delay`: first calls that a lease brings, of each component of the delay, then
-- their time constants, ms, negative.
local NOTHING = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

local function damage_on(packed, now, class, delay, session_cost, class_cost)
  local head, at, same, damage = head_of(packed), CLASSES, nil, 0
  while at <= #packed and not same do
    local of = class_at(packed, at)
    if of[1] == class then same = of else at = of[COMPONENTS + 2] end
  end
  for k = 1, COMPONENTS do
    local others = head[ALL + k] - (same and same[1 + k] or 0)
    local weighed = session_cost * head[SESSIONS + k] + class_cost * others
    damage = damage + delay[k] * math.exp((now - head[1]) / delay[COMPONENTS + k]) * weighed
  end
  return damage
end

-- The warmth after one more lease of `class` that counts `weight`; `cover` is what it leaves of sessions before it.
local function with_lease(packed, now, class, weight, cover, delay, group, several)
  local was, head, fall = packed and head_of(packed) or NOTHING, {now, now, group, several}, {}
  for k = 1, COMPONENTS do
    fall[k] = packed and math.exp((now - was[1]) / delay[COMPONENTS + k]) or 0
    head[SESSIONS + k] = (1 - weight * (1 - cover)) * was[SESSIONS + k] * fall[k] + weight
    head[ALL + k] = weight
  end
  local same, classes, at = {class, 0, 0, 0, 0, 0, 0}, {}, CLASSES
  while packed and at <= #packed do
    local of, left = class_at(packed, at), 0
    at = of[COMPONENTS + 2]
    for k = 1, COMPONENTS do
      of[1 + k] = of[1 + k] * fall[k]
      left = left + of[1 + k]
    end
    if left > 0.001 then
      for k = 1, COMPONENTS do head[ALL + k] = head[ALL + k] + of[1 + k] end
      if of[1] == class then same = of else classes[#classes + 1] = packed_class(of) end
    end
  end
  for k = 1, COMPONENTS do same[1 + k] = same[1 + k] + weight end
  return packed_head(head) .. packed_class(same) .. table.concat(classes)
end
