"""How a lease is weighed: what wrong answers cost, and when first calls come. Pure logic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from callease.numbers.damage import COSTS, Costs
from callease.numbers.delays import DelayCurves
from callease.numbers.warmth import packed_delay


@dataclass(frozen=True)
class Weighing:
    costs: Costs
    curves: DelayCurves

    @cached_property
    def delay(self) -> bytes:
        """As `lua/lease.lua` takes it."""
        return packed_delay(self.curves)


PLAIN = Weighing(COSTS["both"], DelayCurves())
