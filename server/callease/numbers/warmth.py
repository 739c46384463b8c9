"""What Redis keeps of a leased number, as bytes: the layout is described in `lua/warmth.lua`. Pure logic."""

from __future__ import annotations

import struct

from callease.numbers.damage import Sums
from callease.numbers.delays import FIRST_SECONDS, DelayCurves

LAYOUT = "2"
"""Named in the pools' stamps: a pool that another version of Callease left behind is not read, but rebuilt."""
_COMPONENTS = len(FIRST_SECONDS)
_HEAD = struct.Struct(f"<{4 + 2 * _COMPONENTS}d")
_EACH = struct.Struct(f"<{_COMPONENTS}d")
TIME_CONSTANTS = _EACH.pack(*(-1_000 * seconds for seconds in FIRST_SECONDS))
"""Of the delay's components, in ms, negative: what a sum falls by is exp(age / one of them)."""


def packed(sums: Sums, warm_since_ms: int, group: int, several_until_ms: int) -> bytes:
    whole = [sum(each) for each in zip(*sums.by_class.values(), strict=True)] or [0.0] * _COMPONENTS
    at_ms = round(sums.at.timestamp() * 1_000)
    head = _HEAD.pack(at_ms, warm_since_ms, group, several_until_ms, *sums.sessions, *whole)
    return head + b"".join(name.encode() + b"\0" + _EACH.pack(*of) for name, of in sums.by_class.items())


def packed_delay(curves: DelayCurves) -> bytes:
    """First calls that a lease brings, of each component, and the time constants."""
    return _EACH.pack(*curves.first) + TIME_CONSTANTS
