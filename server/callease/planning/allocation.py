"""Numbers among offices: each goes where one more saves most expected errors, not by weight. Pure logic.

A lease's first call is lost when the next lease of the number comes before it: with first calls of time constant tau
and other leases at a rate r on the same number, the share lost is r tau / (1 + r tau). Source classes are merged into
as many groups as there are numbers, the pair that costs least first; session errors fall with the leases a number.

This only shares numbers out. How many answers will be wrong, which people are told, is `holdings`: there numbers beyond
one a class save source errors too, and part of the sessions that are covered is not lost.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from callease.numbers.damage import Costs
from callease.numbers.delays import FIRST_SECONDS, DelayCurves

# A lease goes to the number that it harms least, which is better than leases in turn by about this factor.
CHOSEN_WELL = 0.7
Rates = Mapping[str, float]
"""Reveals a second of one office, by source class."""


@dataclass
class ErrorCurve:
    """Expected errors a second of one office, in units of its costs, by the numbers that it owns."""

    rates: Rates
    costs: Costs
    curves: DelayCurves
    _of: dict[int, float] = field(default_factory=dict)
    _by_groups: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_groups = _merged(sorted(self.rates.values()), self.curves)

    def errors(self, numbers: int) -> float:
        """`numbers` from 1 on."""
        if numbers not in self._of:
            total = sum(self.rates.values())
            sessions = lost(total, CHOSEN_WELL * total / numbers, self.curves)
            self._of[numbers] = self.costs.source * self._by_groups.get(numbers, 0.0) + self.costs.session * sessions
        return self._of[numbers]

    def best_step(self, numbers: int) -> tuple[float, int]:
        """What each of the next few numbers saves at best, and how many they are: the second one may save more."""
        steps = range(1, max(2, len(self.rates) + 1))
        savings = [((self.errors(numbers) - self.errors(numbers + step)) / step, -step) for step in steps]
        saving, step = max(savings)
        return saving, -step


def lost(rate: float, others: float, curves: DelayCurves) -> float:
    """First calls a second, of leases at `rate`, that come after another of `others` leases a second on the number."""
    parts = zip(curves.first, FIRST_SECONDS, strict=True)
    return rate * sum(share * others * tau / (1 + others * tau) for share, tau in parts)


def _merged(rates: Sequence[float], curves: DelayCurves) -> dict[int, float]:
    """Calls a second with a wrong class, by the number of groups that the classes are merged into."""

    def loss(group: Sequence[float]) -> float:
        whole = sum(group)
        return sum(lost(rate, whole - rate, curves) for rate in group)

    return {len(groups): sum(each for _, each in groups) for groups in merged(rates, loss)}


def merged(
    rates: Sequence[float], loss: Callable[[Sequence[float]], float]
) -> Iterator[Sequence[tuple[list[float], float]]]:
    """Classes, by their rates, in ever fewer groups with the loss of each: the pair that costs least goes first.

    `loss` of one class alone is 0.
    """
    groups = [([rate], 0.0) for rate in rates]
    yield tuple(groups)
    while len(groups) > 1:
        extra, i, j = min(
            (loss(groups[i][0] + groups[j][0]) - groups[i][1] - groups[j][1], i, j)
            for i in range(len(groups))
            for j in range(i)
        )
        joined = groups[i][0] + groups[j][0]
        groups[j] = (joined, groups[i][1] + groups[j][1] + extra)
        del groups[i]
        yield tuple(groups)


def allocate(demand: Sequence[Rates], numbers: int, costs: Costs, curves: DelayCurves) -> list[int]:
    """Numbers of each office: one at least, as many as `numbers` allows where it allows that."""
    owned = [1] * len(demand)
    left = numbers - len(demand)
    offices = [ErrorCurve(rates, costs, curves) for rates in demand]
    heap = []
    for index, office in enumerate(offices):
        saving, step = office.best_step(1)
        heap.append((-saving, index, step))
    heapq.heapify(heap)
    while left > 0 and heap:
        _, index, step = heapq.heappop(heap)
        step = min(step, left)
        owned[index] += step
        left -= step
        saving, step = offices[index].best_step(owned[index])
        heapq.heappush(heap, (-saving, index, step))
    return owned
