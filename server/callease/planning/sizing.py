"""How many numbers buy which accuracy: traffic is drawn as the portal's is, and replayed with several numbers.

What is promised is what holds after the first days, when numbers have their owners and leases lie behind them. Between
the numbers tried, the logarithm of the error follows that of the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import stdev

from callease.planning.error_curve import Curve, Trial
from callease.planning.replay import Setup, replay
from callease.planning.score import QUESTIONS, Accuracy, Score, score
from callease.planning.traffic import DAY_SECONDS, Traffic

TARGETS = (0.96, 0.99, 0.999)
# Numbers an office that are tried; a site of few offices may want many for each.
_TRIED = (1.0, 1.5, 2.25, 4.0, 8.0, 16.0)
_TRIED_BY_FEW = (32.0, 64.0)
_FEW_OFFICES = 8
# Half of the numbers have no owner for four days, and the late calls of the first leases come for longer.
_FIRST_DAYS = 6.0
REVEALS_A_TRIAL = 20_000
_JUDGED_DAYS = (8.0, 240.0)
_STREAMS, _DAYS_A_STREAM, _SEEDS_APART = 4, 20.0, 7_919
# What the delays of a portal nobody has measured may do to the errors. What makes errors are late calls, about one in
# seven: so many first calls are worth as much as that assumption, and with fewer the delays are mostly assumed.
_ASSUMED_SPREAD, ENOUGH_CALLS = 0.20, 180
# Days differ more than chance explains: counted reveals are worth so many times less.
_DAYS_DIFFER = 4.0
# By the steepest part of a curve: from no numbers of a class to one.
_STEEPEST = 5.0
_Z = 1.96
# A purchase is worth naming when it gains half a point.
_WORTHWHILE = 0.005
_PURCHASES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Certainty:
    """`reveals`: how many were counted, None: the rates are given. `calls`: how many first calls the delays rest on."""

    reveals: float | None = None
    calls: float = 0.0

    @property
    def rates_spread(self) -> float:
        """Standard error of the logarithm of the rates."""
        return math.sqrt(_DAYS_DIFFER / max(1.0, self.reveals)) if self.reveals is not None else 0.0

    @property
    def delays_spread(self) -> float:
        """Standard error of the logarithm of the errors, for the delays' sake."""
        return _ASSUMED_SPREAD * math.sqrt(ENOUGH_CALLS / (ENOUGH_CALLS + self.calls))


@dataclass(frozen=True)
class Estimate:
    """A share of right answers, and between what it is with 95 %."""

    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    numbers: int
    office: Estimate
    source: Estimate
    session: Estimate


@dataclass(frozen=True)
class Purchase:
    """`more` numbers bring the answers to `then`; gains are shares of all calls."""

    more: int
    then: Point
    source_gain: float
    session_gain: float


@dataclass(frozen=True)
class Sizing:
    """`tried`: the numbers that were replayed. `for_source`: fewest numbers by share of right sources; None: more."""

    offices: int
    tried: Sequence[Point]
    for_source: dict[float, int | None]
    curves: dict[str, Curve]
    certainty: Certainty

    @property
    def most(self) -> int:
        return self.tried[-1].numbers

    def at(self, numbers: int) -> Point:
        """`numbers` from the number of offices to the most that were tried; what is beyond counts as that."""
        estimates = {name: _estimate(self.curves[name], numbers, self.certainty) for name in QUESTIONS}
        return Point(numbers, **estimates)

    def purchases(self, owned: int) -> list[Purchase]:
        """What a tenth, a quarter, a half more and twice the numbers would gain."""
        steps = sorted({max(1, math.ceil(owned * share)) for share in _PURCHASES})
        return [self._purchase(owned, more) for more in steps if owned + more <= self.most]

    def next_best(self, owned: int) -> Purchase | None:
        """The smallest purchase that gains half a point of source or session; None: even twice as many do not."""
        worth = (each for each in self.purchases(owned) if max(each.source_gain, each.session_gain) >= _WORTHWHILE)
        return next(worth, None)

    def _purchase(self, owned: int, more: int) -> Purchase:
        now, then = self.at(owned), self.at(owned + more)
        gains = then.source.right - now.source.right, then.session.right - now.session.right
        return Purchase(more, then, *gains)


def size(
    traffic: Traffic,
    objective: str,
    certainty: Certainty,
    owned: int | None,
    tell: Callable[[str], None],
    reveals: float = REVEALS_A_TRIAL,
) -> Sizing:
    """Takes a minute or two. `owned`: numbers that are tried in any case. `tell` hears how far it is.

    `reveals`: judged ones of each replay, as far as that is neither too few days nor too many. Raises ValueError for
    fewer numbers than offices, and for traffic without calls.
    """
    if owned is not None and owned < traffic.offices:
        raise ValueError(f"{owned} numbers are fewer than {traffic.offices} offices")
    streams = [(each, list(each.events())) for each in _streams(traffic, reveals)]
    counts = _tried(traffic.offices, owned)
    scores: dict[int, list[Score]] = {}
    for done, count in enumerate(counts, 1):
        tell(f"{done} of {len(counts)}: {count:,} numbers, {sum(len(of) for _, of in streams):,} reveals and calls")
        for each, events in streams:
            answers = replay(Setup.read(each.numbers_file(count)), objective, events)
            if scored := score(events, answers, since=_FIRST_DAYS * DAY_SECONDS):
                scores.setdefault(count, []).append(scored)
    if not scores:
        raise ValueError("nobody calls")
    curves = {name: Curve.through([_trial(*of, name) for of in scores.items()]) for name in QUESTIONS}
    for_source = {target: curves["source"].numbers_for(target) for target in TARGETS}
    sizing = Sizing(traffic.offices, (), for_source, curves, certainty)
    return replace(sizing, tried=[sizing.at(count) for count in counts])


def _tried(offices: int, owned: int | None) -> list[int]:
    multiples = (*_TRIED, *_TRIED_BY_FEW) if offices < _FEW_OFFICES else _TRIED
    return sorted({math.ceil(multiple * offices) for multiple in multiples} | ({owned, 2 * owned} if owned else set()))


def _streams(traffic: Traffic, reveals: float) -> list[Traffic]:
    """Several ones where days are cheap: which office got its numbers first is luck, and no two streams share it."""
    least, most = _JUDGED_DAYS
    judged = min(most, max(least, reveals / traffic.reveals_a_day))
    count = max(1, min(_STREAMS, int(judged / _DAYS_A_STREAM)))
    days = _FIRST_DAYS + judged / count
    return [replace(traffic, days=days, seed=traffic.seed + _SEEDS_APART * index) for index in range(count)]


def _trial(numbers: int, scores: Sequence[Score], question: str) -> Trial:
    """The spread is that of one stream, which is what anybody who looks will see."""
    of: list[Accuracy] = [getattr(each, question) for each in scores]
    calls = [each.calls for each in scores]
    right = sum(each.right * weight for each, weight in zip(of, calls, strict=True)) / sum(calls)
    by_chance = sum(each.high - each.low for each in of) / len(of) / (2 * _Z) / math.sqrt(len(of))
    between = stdev(each.right for each in of) if len(of) > 1 else 0.0
    return Trial(numbers, 1 - right, max(by_chance, between))


def _estimate(curve: Curve, numbers: int, certainty: Certainty) -> Estimate:
    """Chance in the replay, and the doubts of rates and delays, which are of the error's logarithm.

    With twice the reveals errors are as with half the numbers, so doubt of the rates weighs as the curve is steep.
    """
    error, spread = curve.at(numbers)
    of_rates = min(_STEEPEST, curve.slope(numbers)) * certainty.rates_spread
    doubt = math.exp(_Z * math.hypot(of_rates, certainty.delays_spread))
    # Where nothing was wrong, the spread is half of an interval that has one side only.
    chance = _Z * spread * (1 if error else 2)
    more, less = math.hypot(error * (doubt - 1), chance), math.hypot(error * (1 - 1 / doubt), chance)
    return Estimate(1 - error, max(0.0, 1 - error - more), min(1.0, 1 - error + less))
