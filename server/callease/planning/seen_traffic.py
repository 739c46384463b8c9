"""Traffic of a portal that was seen: its offices, classes and delays, and the rest as `Traffic` has it. Pure logic."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

from callease.numbers.delays import DelayCurves
from callease.planning.allocation import Rates
from callease.planning.traffic import DAY_SECONDS, Traffic


@dataclass(frozen=True)
class SeenTraffic(Traffic):
    """`rates`: reveals a second by office and class. `curves` None: delays as in `Traffic`."""

    rates: Mapping[str, Rates] = field(default_factory=dict)
    curves: DelayCurves | None = None

    @property
    def office_ids(self) -> list[str]:
        return list(self.rates)

    @property
    def class_names(self) -> list[str]:
        return class_names(self.rates)

    def office_shares(self) -> list[float]:
        totals = [sum(of.values()) for of in self.rates.values()]
        return [total / sum(totals) for total in totals]

    def class_shares(self, rng: random.Random) -> list[list[float]]:
        return [[of.get(name, 0.0) / sum(of.values()) for name in self.class_names] for of in self.rates.values()]

    def first_call(self, rng: random.Random) -> float | None:
        if self.curves is None:
            return super().first_call(rng)
        return self.curves.first_call_age(rng.expovariate(1.0))

    def further_calls(self, rng: random.Random) -> Iterator[float]:
        if self.curves is None:
            yield from super().further_calls(rng)
            return
        gone_by = 0.0
        while (later := self.curves.again_age(gone_by := gone_by + rng.expovariate(1.0))) is not None:
            yield later


def class_names(rates: Mapping[str, Rates]) -> list[str]:
    """All classes, in the order in which they are met."""
    return list(dict.fromkeys(name for of in rates.values() for name in of))


def seen_traffic(rates: Mapping[str, Rates], curves: DelayCurves | None, rest: Traffic) -> SeenTraffic:
    """`rest` says what neither rates nor curves say. Offices without a reveal are left out. Raises ValueError."""
    rates = {office: of for office, of in rates.items() if sum(of.values()) > 0}
    if not rates:
        raise ValueError("there are no reveals")
    given = {each.name: getattr(rest, each.name) for each in fields(Traffic)}
    given |= {
        "reveals_a_day": DAY_SECONDS * sum(sum(of.values()) for of in rates.values()),
        "offices": len(rates),
        "classes": len(class_names(rates)),
    }
    if curves is not None:
        given["hidden_share"] = curves.hidden
    return SeenTraffic(**given, rates=rates, curves=curves)
