"""What an office's numbers are worth: wrong answers to expect from how many they are and which class each is for.

Pure logic. The formula of a lost first call is that of `allocation`. Numbers for any class are expected to do as well
as the best way to keep classes apart on them: the lease script finds it by itself, and in replays (docs/adr/0014) no
split by hand did better. Numbers of one class serve it alone; a class that has none of its own uses those for any
class, and where there are none of these either, it is lent those of the class that it harms least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from callease.numbers.damage import Costs
from callease.numbers.delays import DelayCurves
from callease.planning.allocation import CHOSEN_WELL, Rates, lost, merged

MONTH_SECONDS = 365.25 / 12 * 86_400
# A session covered by another lease is lost in so many cases, in replays: in the others that lease has brought its call
# already, or the caller is known.
_COVERED_IS_LOST = 0.45


@dataclass(frozen=True)
class Holding:
    """Numbers that an office owns: `fixed` of one class each, sorted, and `for_any` class."""

    fixed: tuple[tuple[str, int], ...] = ()
    for_any: int = 0

    @classmethod
    def of(cls, classes: Sequence[str | None]) -> Holding:
        """`classes`: of each number its own, None for any class."""
        names = sorted({name for name in classes if name})
        return cls(tuple((name, classes.count(name)) for name in names), classes.count(None))

    @property
    def total(self) -> int:
        return self.for_any + sum(count for _, count in self.fixed)

    def plus(self, source_class: str | None, numbers: int) -> Holding:
        """With so many more of a class; fewer where `numbers` is negative."""
        if source_class is None:
            return Holding(self.fixed, self.for_any + numbers)
        counts = dict(self.fixed)
        counts[source_class] = counts.get(source_class, 0) + numbers
        return Holding(tuple(sorted((name, count) for name, count in counts.items() if count)), self.for_any)


@dataclass(frozen=True)
class Wrong:
    """Answers that will be wrong."""

    source: float = 0.0
    session: float = 0.0

    def __add__(self, other: Wrong) -> Wrong:
        return Wrong(self.source + other.source, self.session + other.session)

    def times(self, factor: float) -> Wrong:
        return Wrong(self.source * factor, self.session * factor)

    def weighed(self, costs: Costs) -> float:
        return costs.source * self.source + costs.session * self.session


def answers(costs: Costs) -> Costs:
    """The same costs, in answers of the kind that is wanted most."""
    most = max(costs.session, costs.source)
    return Costs(costs.session / most, costs.source / most)


class Expectation:
    """Of one office, in answers a month; calls again inherit what the first one was taken for."""

    def __init__(self, rates: Rates, costs: Costs, curves: DelayCurves) -> None:
        self._rates = {name: rate for name, rate in sorted(rates.items()) if rate > 0}
        self._costs = costs
        self._curves = curves
        self._a_month = MONTH_SECONDS * (1 + sum(curves.again))
        self._pools: dict[tuple[str, ...], _Pool] = {}
        self._known: dict[Holding, Wrong] = {}

    @property
    def calls(self) -> float:
        """First ones and further ones."""
        return sum(self._rates.values()) * sum(self._curves.first) * self._a_month

    def weighed(self, holding: Holding) -> float:
        return self.wrong(holding).weighed(self._costs)

    def wrong(self, holding: Holding) -> Wrong:
        if holding not in self._known:
            self._known[holding] = self._wrong(holding).times(self._a_month)
        return self._known[holding]

    def _wrong(self, holding: Holding) -> Wrong:
        """A second."""
        counts = dict(holding.fixed)
        rest = tuple(name for name in self._rates if name not in counts)
        if holding.for_any:
            own = [_Group((self._rates[name],), counts[name]) for name in self._rates if name in counts]
            return _all(own, self._curves) + self._pool(rest).wrong(holding.for_any)
        if not counts:
            calls = sum(self._rates.values()) * sum(self._curves.first)
            return Wrong(calls, calls)
        groups = [_Group((self._rates[name],) if name in self._rates else (), count) for name, count in holding.fixed]
        for name in sorted(rest, key=lambda each: (-self._rates[each], each)):
            self._lend(groups, self._rates[name])
        return _all(groups, self._curves)

    def _lend(self, groups: list[_Group], rate: float) -> None:
        def extra(index: int) -> float:
            before, after = groups[index], groups[index].joined_by((rate,))
            return after.wrong(self._curves).weighed(self._costs) - before.wrong(self._curves).weighed(self._costs)

        best = min(range(len(groups)), key=lambda index: (extra(index), index))
        groups[best] = groups[best].joined_by((rate,))

    def _pool(self, classes: tuple[str, ...]) -> _Pool:
        if classes not in self._pools:
            self._pools[classes] = _Pool([self._rates[name] for name in classes], self._costs, self._curves)
        return self._pools[classes]


@dataclass(frozen=True)
class _Group:
    """Classes, by their leases a second, that share some numbers."""

    rates: tuple[float, ...]
    numbers: int = 1

    def joined_by(self, rates: tuple[float, ...]) -> _Group:
        return _Group(self.rates + rates, self.numbers)

    def wrong(self, curves: DelayCurves) -> Wrong:
        """A second."""
        whole, share = sum(self.rates), CHOSEN_WELL / self.numbers
        source = sum(lost(rate, share * (whole - rate), curves) for rate in self.rates)
        return Wrong(source, _COVERED_IS_LOST * lost(whole, share * whole, curves))


def _all(groups: Sequence[_Group], curves: DelayCurves) -> Wrong:
    return sum((group.wrong(curves) for group in groups), Wrong())


class _Pool:
    """Numbers for any class: classes are merged into ever fewer groups, and each way is tried."""

    def __init__(self, rates: Sequence[float], costs: Costs, curves: DelayCurves) -> None:
        self._rates = rates
        self._costs = costs
        self._curves = curves

    def wrong(self, numbers: int) -> Wrong:
        """A second."""
        ways = (spread.wrong(numbers) for spread in self._spreads if spread.groups <= numbers)
        return min(ways, key=lambda each: each.weighed(self._costs), default=Wrong())

    @cached_property
    def _spreads(self) -> list[_Spread]:
        if not self._rates:
            return []
        return [
            _Spread([_Group(tuple(rates)) for rates, _ in groups], self._costs, self._curves)
            for groups in merged(sorted(self._rates), self._wrong_source)
        ]

    def _wrong_source(self, rates: Sequence[float]) -> float:
        return _Group(tuple(rates)).wrong(self._curves).source


class _Spread:
    """Numbers among given groups: one each, and each further one where it saves most."""

    def __init__(self, groups: Sequence[_Group], costs: Costs, curves: DelayCurves) -> None:
        self.groups = len(groups)
        self._costs = costs
        self._curves = curves
        self._now = [(group, group.wrong(curves)) for group in groups]
        self._next = [self._one_more(group) for group in groups]
        self._by_numbers = [sum((wrong for _, wrong in self._now), Wrong())]

    def wrong(self, numbers: int) -> Wrong:
        while len(self._by_numbers) <= numbers - self.groups:
            savings = [
                now.weighed(self._costs) - after.weighed(self._costs)
                for (_, now), (_, after) in zip(self._now, self._next, strict=True)
            ]
            best = savings.index(max(savings))
            self._now[best] = self._next[best]
            self._next[best] = self._one_more(self._now[best][0])
            self._by_numbers.append(sum((wrong for _, wrong in self._now), Wrong()))
        return self._by_numbers[numbers - self.groups]

    def _one_more(self, group: _Group) -> tuple[_Group, Wrong]:
        more = _Group(group.rates, group.numbers + 1)
        return more, more.wrong(self._curves)


def costs_of_sites(reveals: Mapping[str, float], by_objective: Mapping[str, Costs]) -> Costs:
    """Of an office whose listings stand on sites with several objectives: as the reveals of each weigh."""
    known = {name: answers(by_objective[name]) for name in reveals}
    whole = sum(reveals.values())
    if not whole:
        return answers(by_objective["both"])
    session = sum(known[name].session * count for name, count in reveals.items()) / whole
    source = sum(known[name].source * count for name, count in reveals.items()) / whole
    return answers(Costs(session, source))
