-- What is kept of each leased number, as bytes: opened by name it would cost a lease more than all else together. Goes
-- before the scripts that read or write it; `numbers/warmth.py` writes the same.
--   16 doubles: moment ms, to which all that is pending has decayed; warm since ms; index of its group; until when, ms,
--     more than one lease holds it; of each of 6 components what is pending of sessions that are not covered; the same of
--     all leases
--   then for each source class: its name, a zero byte, what is pending of each component
local HEAD, CLASS = '<dddddddddddddddd', '<sdddddd'
local COMPONENTS, SESSIONS, ALL, CLASSES = 6, 4, 10, 129 -- values before each part, and where the classes begin
local function head_of(packed) return {struct.unpack(HEAD, packed)} end
local function packed_head(head) return struct.pack(HEAD, unpack(head, 1, ALL + COMPONENTS)) end
local function class_at(packed, at) return {struct.unpack(CLASS, packed, at)} end -- name, 6 values, where the next begins
local function packed_class(of) return struct.pack(CLASS, unpack(of, 1, COMPONENTS + 1)) end
