"""What a lease does to the earlier leases of its number, as far as their calls are still to come. Pure logic.

The expected damage is the sum, over those leases, of P(first call still to come) times the cost of a wrong session, and
of a wrong class where the classes differ. A lease that was covered by a later one has probably lost its session
already: each further one does it half the harm of the one before. Because the delay is a mixture of exponentials, sums
that decay, one a class and component, say it at any moment; `lua/lease.lua` keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import exp

from callease.numbers.delays import FIRST_SECONDS


@dataclass(frozen=True)
class Costs:
    """Of one wrong answer, in a unit of their own: only their ratio counts.

    `homeless`: times a wrong class where a lease takes the only number that was leased to another class last. That
    class takes another's in turn, and so on for weeks, where one of a class that has several would have ended it.
    """

    session: float
    source: float
    homeless: float = 1.0


# What a site wants most, `objective`: found by replaying traffic, see docs/adr/0012.
COSTS = {"source": Costs(0.002, 1.0, homeless=10.0), "session": Costs(1.0, 0.05), "both": Costs(1.0, 1.2)}


REMEMBERED = 48
"""A number remembers so many leases: what it costs to weigh one stays the same."""
_MAY_STILL_CALL = 0.3
NEWS = 0.02
"""A pool need not hear of less that was spent."""
COVER = 0.5
"""What is left of a lease's session for the next one to spoil, each time that a later lease covers it."""


@dataclass(frozen=True)
class PastLease:
    """`pending`: see `LoggedLease`."""

    number_id: str
    source_class: str
    leased_at: datetime
    pending: float = 1.0


@dataclass(frozen=True)
class Spent:
    """A lease that has brought its call, by as much as `part`; `covered_by` leases, as far as they are unspent."""

    source_class: str
    leased_at: datetime
    part: float
    covered_by: float

    @property
    def uncovered(self) -> float:
        """What its session still counted for."""
        return float(COVER**self.covered_by)

    @property
    def restores(self) -> float:
        """What the sessions that it covers count for again, times as much as before: of the newest lease only."""
        return 1.0 if self.covered_by else 1 - self.part + self.part / COVER


@dataclass(frozen=True)
class SpentOn:
    """What was spent on one number; see `warm_since`."""

    office_id: str
    number_id: str
    leases: Sequence[Spent]
    warm_since_ms: int


@dataclass(frozen=True)
class LoggedLease:
    """`weight`: what it counted when it was made; `spent`: the probability that a call since was its first one."""

    id: str
    source_class: str
    leased_at: datetime
    weight: float
    spent: float

    @property
    def pending(self) -> float:
        return self.weight * max(0.0, 1.0 - self.spent)


def spent_on(
    office_id: str, number_id: str, newest_first: Iterable[LoggedLease], parts: Mapping[str, float]
) -> SpentOn:
    """`newest_first`: the leases of the number; `parts`: how much of which, by id, its pool has not been told yet."""
    spent: list[Spent] = []
    pending: list[tuple[datetime, float]] = []
    covered_by = 0.0
    for lease in newest_first:
        if part := parts.get(lease.id):
            spent.append(Spent(lease.source_class, lease.leased_at, part * lease.weight, covered_by))
        pending.append((lease.leased_at, lease.pending))
        covered_by += lease.pending
    return SpentOn(office_id, number_id, spent, warm_since(pending))


@dataclass
class Sums:
    """Of one number: what is pending of each component, by class, and of sessions that are not covered, at `at`."""

    at: datetime
    by_class: dict[str, list[float]] = field(default_factory=dict)
    sessions: list[float] = field(default_factory=lambda: [0.0] * len(FIRST_SECONDS))

    def lease(self, source_class: str, leased_at: datetime, weight: float) -> None:
        """Another lease, not earlier than those before; as `lua/lease.lua` counts it."""
        fall = [exp((self.at - leased_at).total_seconds() / tau) for tau in FIRST_SECONDS]
        self.at = leased_at
        kept = 1 - weight * (1 - COVER)
        self.sessions = [kept * each * left + weight for each, left in zip(self.sessions, fall, strict=True)]
        for name, of in self.by_class.items():
            self.by_class[name] = [each * left for each, left in zip(of, fall, strict=True)]
        mine = self.by_class.setdefault(source_class, [0.0] * len(fall))
        self.by_class[source_class] = [each + weight for each in mine]


def sums_of(leases: Iterable[PastLease]) -> dict[str, Sums]:
    """By number, from its leases in the order of time."""
    sums: dict[str, Sums] = {}
    for lease in leases:
        of = sums.setdefault(lease.number_id, Sums(lease.leased_at))
        of.lease(lease.source_class, lease.leased_at, lease.pending)
    return sums


def warm_since(newest_first: Iterable[tuple[datetime, float]]) -> int:
    """In ms: when a number's newest lease that may still bring its call was made, 1 when none may.

    `newest_first`: (leased at, pending) of its leases.
    """
    open_ = (leased_at for leased_at, pending in newest_first if pending > _MAY_STILL_CALL)
    newest = next(open_, None)
    return round(newest.timestamp() * 1000) if newest else 1
