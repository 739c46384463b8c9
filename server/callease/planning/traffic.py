"""Traffic that nobody had: reveals and calls of a portal, drawn from a seed, for trying numbers out. Pure logic.

Visits come with the rhythm of day and week and in bursts; offices are Zipf; each office has its own mix of classes;
first calls come within minutes or late, then with a heavy tail. All of it goes through one heap, so a stream of any
length needs no more memory than the visitors of the last days and the calls that are still to come.

The days and nights are those of somebody's portal and no measurement: change what you know better.
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any, Literal, get_args

Tail = Literal["light", "lognormal", "weibull", "heavy"]
Weights = Literal["true", "stale", "shuffled"]
Event = dict[str, Any]

DAY_SECONDS = _DAY = 86_400.0
_HOUR = 3_600.0
# A portal's day has its height after noon and a second one in the evening; a weekend day has 70 % of a working day.
_OF_HOUR = [0.15 + math.exp(-(((h - 14) / 4.5) ** 2)) + 0.5 * math.exp(-(((h - 20) / 2.5) ** 2)) for h in range(24)]
_OF_DAY = [1.0] * 5 + [0.7] * 2
_CLASSES = (
    "paid_search organic direct paid_social social referral display email messenger aggregator offline other".split()
)
_CLASS_EXPONENT = 1.1
# Stale weights are true ones times a lognormal factor of this spread.
_STALE_SPREAD = 0.8
# A late call does not come at once, a repeat not within the same minute.
_LATE_AT_LEAST, _REPEAT_AT_LEAST = 10.0, 60.0
_NEXT_REVEAL_SECONDS = 240.0
# Ids in no order: the n-th reveal has n x stride + start modulo a prime.
_ID_PRIME, _ID_STRIDE = 2_147_483_647, 1_237_940_039
# The memory of visitors is trimmed when so many have grown too old to return.
_TRIM_VISITORS = 4_096


@dataclass(frozen=True)
class Traffic:
    """What traffic looks like.

    Shares are fractions of 1; times have their unit in the name; `*_spread` is the sigma of a lognormal. Raises
    ValueError for what cannot be.
    """

    reveals_a_day: float = 2_000.0  # the mean of a week
    offices: int = 60
    classes: int = 6
    days: float = 60.0
    seed: int = 1
    listings_an_office: int = 40
    office_exponent: float = 1.0  # Zipf: 0 makes all offices equal
    mix_strength: float = 8.0  # Dirichlet: the higher, the more an office's classes are like everybody's
    burst_share: float = 0.02  # of hours
    burst_factor: float = 3.0
    more_reveals_share: float = 0.20  # of reveals, followed by a further one in the same visit
    same_listing_share: float = 0.15  # of further reveals
    same_office_share: float = 0.40  # of the other further reveals, and of visits by those who return
    returning_share: float = 0.15  # of visits
    returning_within_days: float = 14.0
    call_share: float = 0.40  # of reveals
    soon_median_seconds: float = 150.0
    soon_spread: float = 0.9
    late_share: float = 0.15  # of first calls
    tail: Tail = "lognormal"  # of the late ones
    repeat_share: float = 1 / 3  # of all calls
    repeat_median_days: float = 1.5
    repeat_spread: float = 1.4
    hidden_share: float = 0.03  # of callers
    second_device_share: float = 0.03  # of visitors, who phone as an earlier visitor does
    weights: Weights = "true"  # those that NUMBERS.json states

    def __post_init__(self) -> None:
        for each in fields(Traffic):
            value = getattr(self, each.name)
            if each.name in _CHOICES:
                if value not in _CHOICES[each.name]:
                    raise ValueError(f"{each.name} is none of {', '.join(_CHOICES[each.name])}")
            elif not math.isfinite(value):
                raise ValueError(f"{each.name} is not a number")
            elif each.name.endswith("_share") and not 0 <= value <= (0.9 if each.name in _GROWING else 1.0):
                raise ValueError(f"{each.name} is not between 0 and {'0.9' if each.name in _GROWING else '1'}")
            elif each.name in _POSITIVE and value <= 0:
                raise ValueError(f"{each.name} is not above 0")
            elif each.name in _COUNTS and value < 1:
                raise ValueError(f"{each.name} is not at least 1")

    @property
    def office_ids(self) -> list[str]:
        return [f"o{index + 1}" for index in range(self.offices)]

    @property
    def class_names(self) -> list[str]:
        return [*_CLASSES, *(f"class_{index + 1}" for index in range(len(_CLASSES), self.classes))][: self.classes]

    def numbers_file(self, numbers: int) -> dict[str, Any]:
        """What NUMBERS.json holds."""
        offices = zip(self.office_ids, self._stated_weights(), strict=True)
        return {
            "classes": self.class_names,
            "offices": [
                {"id": office, "weight": weight, "listings": self.listings_of(office)} for office, weight in offices
            ],
            "numbers": numbers,
        }

    def events(self) -> Iterator[Event]:
        """Reveals and calls in the order of time, the same ones each time."""
        return _Stream(self).events()

    def listings_of(self, office: str) -> list[str]:
        return [f"{office}-l{index + 1}" for index in range(self.listings_an_office)]

    def office_shares(self) -> list[float]:
        """Of the visits, in the order of `office_ids`."""
        return _zipf(self.offices, self.office_exponent)

    def class_shares(self, rng: random.Random) -> list[list[float]]:
        """Of each office's visits, in the order of `class_names`."""
        common = _zipf(self.classes, _CLASS_EXPONENT)
        return [_dirichlet(rng, common, self.mix_strength) for _ in range(self.offices)]

    def first_call(self, rng: random.Random) -> float | None:
        """Seconds from a reveal to its first call; None: nobody calls."""
        return first_call_delay(self, rng) if rng.random() < self.call_share else None

    def further_calls(self, rng: random.Random) -> Iterator[float]:
        """Seconds from the first call to each of the others."""
        while rng.random() < self.repeat_share:
            later = rng.lognormvariate(math.log(self.repeat_median_days * _DAY), self.repeat_spread)
            yield _REPEAT_AT_LEAST + later

    def _stated_weights(self) -> list[float]:
        weights, rng = self.office_shares(), random.Random(f"weights {self.seed}")
        if self.weights == "shuffled":
            rng.shuffle(weights)
        elif self.weights == "stale":
            weights = [weight * rng.lognormvariate(0.0, _STALE_SPREAD) for weight in weights]
        whole = sum(weights)
        return [weight / whole for weight in weights]


_CHOICES: Mapping[str, tuple[str, ...]] = {"tail": get_args(Tail), "weights": get_args(Weights)}
# Shares of which each one brings a further one: near 1 there would be no end.
_GROWING = {"more_reveals_share", "repeat_share"}
_POSITIVE = {"reveals_a_day", "days", "mix_strength", "burst_factor", "soon_median_seconds", "repeat_median_days"}
_COUNTS = {"offices", "classes", "listings_an_office"}

PRESETS: Mapping[str, Traffic] = {
    "small": Traffic(reveals_a_day=200, offices=20),
    "medium": Traffic(),
    "large": Traffic(reveals_a_day=20_000, offices=200, days=12),
}

# The late part of the delay of first calls, seconds.
_LATE: Mapping[Tail, Callable[[random.Random], float]] = {
    "light": lambda rng: rng.expovariate(1 / (0.5 * _DAY)),
    "lognormal": lambda rng: rng.lognormvariate(math.log(0.5 * _DAY), 1.75),
    "weibull": lambda rng: rng.weibullvariate(0.58 * _DAY, 0.46),
    "heavy": lambda rng: rng.lognormvariate(math.log(0.9 * _DAY), 2.0),
}


def first_call_delay(traffic: Traffic, rng: random.Random) -> float:
    """Seconds from a reveal to its first call, when there is one."""
    if rng.random() < traffic.late_share:
        return _LATE_AT_LEAST + _LATE[traffic.tail](rng)
    return rng.lognormvariate(math.log(traffic.soon_median_seconds), traffic.soon_spread)


class _Visitor:
    """Somebody with a browser; `caller` is None when their telephone hides its number."""

    __slots__ = ("caller", "id", "office")

    def __init__(self, id_: str, caller: str | None) -> None:
        self.id = id_
        self.caller = caller
        self.office: int | None = None


class _Stream:
    """One run through the traffic: all that is drawn comes from one generator, in the order of visits."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._rng = rng = random.Random(f"events {traffic.seed}")
        self._offices = traffic.office_ids
        self._classes = traffic.class_names
        self._listings = [traffic.listings_of(office) for office in self._offices]
        self._of_office = _steps(traffic.office_shares())
        self._of_class = [_steps(shares) for shares in traffic.class_shares(rng)]
        self._next_id = rng.randrange(_ID_PRIME)
        # Events to come: (time, order, event). The order keeps equal times as they were drawn.
        self._waiting: list[tuple[float, int, Event]] = []
        self._order = 0
        self._visitors = 0
        self._recent: list[tuple[float, _Visitor]] = []
        self._too_old = 0

    def events(self) -> Iterator[Event]:
        waiting, pop = self._waiting, heapq.heappop
        for visit_at in self._visits():
            while waiting and waiting[0][0] <= visit_at:
                yield pop(waiting)[2]
            self._visit(visit_at)
        end = self._traffic.days * _DAY
        while waiting and waiting[0][0] <= end:
            yield pop(waiting)[2]

    def _visits(self) -> Iterator[float]:
        """Times of visits, seconds: within an hour their rate stands still, so the gaps are exponential."""
        traffic, rng = self._traffic, self._rng
        mean = sum(_OF_HOUR) / 24 * sum(_OF_DAY) / 7 * (1 + traffic.burst_share * (traffic.burst_factor - 1))
        a_second = traffic.reveals_a_day * (1 - traffic.more_reveals_share) / _DAY / mean
        end = traffic.days * _DAY
        for hour in range(math.ceil(traffic.days * 24)):
            rate = a_second * _OF_HOUR[hour % 24] * _OF_DAY[hour // 24 % 7]
            if rng.random() < traffic.burst_share:
                rate *= traffic.burst_factor
            at, until = hour * _HOUR, min(end, (hour + 1) * _HOUR)
            while (at := at + rng.expovariate(rate)) < until:
                yield at

    def _visit(self, at: float) -> None:
        traffic, rng = self._traffic, self._rng
        visitor = self._visitor(at)
        office = visitor.office
        if office is None or rng.random() >= traffic.same_office_share:
            office = self._office()
        source = self._classes[bisect(self._of_class[office], rng.random())]
        listing = rng.choice(self._listings[office])
        while True:
            self._reveal(at, visitor, office, listing, source)
            if rng.random() >= traffic.more_reveals_share:
                break
            at += rng.expovariate(1 / _NEXT_REVEAL_SECONDS)
            if rng.random() >= traffic.same_listing_share:
                if rng.random() >= traffic.same_office_share:
                    office = self._office()
                listing = rng.choice(self._listings[office])
        visitor.office = office

    def _office(self) -> int:
        return bisect(self._of_office, self._rng.random())

    def _visitor(self, at: float) -> _Visitor:
        """Somebody new, or who was here in the last days: the sooner, the likelier."""
        traffic, rng, recent = self._traffic, self._rng, self._recent
        oldest = at - traffic.returning_within_days * _DAY
        while self._too_old < len(recent) and recent[self._too_old][0] < oldest:
            self._too_old += 1
        if self._too_old > _TRIM_VISITORS:
            del recent[: self._too_old]
            self._too_old = 0
        able = len(recent) - self._too_old
        if able and rng.random() < traffic.returning_share:
            visitor = recent[-1 - int(able * rng.random() ** 2)][1]
        else:
            self._visitors += 1
            caller = None if rng.random() < traffic.hidden_share else f"c{self._visitors}"
            if able and rng.random() < traffic.second_device_share:
                caller = recent[-1 - int(able * rng.random() ** 2)][1].caller
            visitor = _Visitor(f"v{self._visitors}", caller)
        recent.append((at, visitor))
        return visitor

    def _reveal(self, at: float, visitor: _Visitor, office: int, listing: str, source: str) -> None:
        traffic, rng = self._traffic, self._rng
        self._next_id = id_ = (self._next_id + _ID_STRIDE) % _ID_PRIME
        reveal = {
            "id": id_,
            "visitor": visitor.id,
            "office": self._offices[office],
            "listing": listing,
            "class": source,
        }
        self._add(at, "reveal", reveal)
        after = traffic.first_call(rng)
        if after is None:
            return
        first = at + after
        self._add(first, "call", {"of": id_, "caller": visitor.caller})
        for later in traffic.further_calls(rng):
            self._add(first + later, "call", {"of": id_, "caller": visitor.caller})

    def _add(self, at: float, kind: str, more: Event) -> None:
        self._order += 1
        heapq.heappush(self._waiting, (at, self._order, {"t": round(at, 1), "kind": kind, **more}))


def _zipf(count: int, exponent: float) -> list[float]:
    weights = [rank**-exponent for rank in range(1, count + 1)]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def _dirichlet(rng: random.Random, means: list[float], strength: float) -> list[float]:
    # Not quite 0, so that a class of an office is rare and never impossible.
    drawn = [rng.gammavariate(mean * strength, 1.0) + 1e-4 for mean in means]
    whole = sum(drawn)
    return [each / whole for each in drawn]


def _steps(shares: list[float]) -> list[float]:
    """Where one share ends and the next begins, for `bisect`; the last one has no end."""
    return list(accumulate(shares))[:-1]
