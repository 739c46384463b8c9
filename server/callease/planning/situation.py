"""What is known before numbers are bought, from a log, from a stream of events or from figures; and what is assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.attribution.learning import learnt_curves
from callease.attribution.models import LearntDelays
from callease.catalog.models import Site
from callease.numbers.delays import DelayLearner
from callease.numbers.models import Number
from callease.planning.observed import observed
from callease.planning.price import Price, usual_price
from callease.planning.replay import BEGINS, LEASE_SECONDS
from callease.planning.seen_traffic import seen_traffic
from callease.planning.sizing import ENOUGH_CALLS, Certainty
from callease.planning.traffic import DAY_SECONDS, Traffic

# Which component a call belongs to is judged by the curves fitted last: by assumed ones, late calls seem less late.
_CALLS_A_FIT = 20
_ENOUGH_REVEALS, _ENOUGH_DAYS = 200, 3.0
_UNMEASURED = ("rhythm", "returning visitors")


@dataclass(frozen=True)
class Situation:
    """`days`: how long was looked at, None: the rates are given. `owned` None: no numbers yet. `price`: of one number.

    `assumed`: what nobody has measured, by name.
    """

    traffic: Traffic
    objective: str
    certainty: Certainty
    assumed: tuple[str, ...]
    days: float | None = None
    owned: int | None = None
    price: Price | None = None

    @property
    def too_short(self) -> bool:
        """Whether what was counted is too little to rest a purchase on."""
        if self.days is None or self.certainty.reveals is None:
            return False
        return self.certainty.reveals < _ENOUGH_REVEALS or self.days < _ENOUGH_DAYS


class OnlyCodes(ValueError):
    """Everybody was given a code: one number serves any number of them."""


def of_log(session: Session, now: datetime, days: float, site: Site | None) -> Situation:
    """What this installation has seen in the last `days`, on one site or on all.

    Raises OnlyCodes; ValueError without a reveal.
    """
    seen = observed(session, now - timedelta(days=days), now, site.id if site else None)
    if not seen.reveals and seen.seconds:
        raise OnlyCodes(f"all reveals of the last {days:g} days got codes, which need no further numbers")
    if not seen.reveals:
        raise ValueError(f"no reveals were counted in the last {days:g} days")
    offices = list(seen.counts)
    owned = select(Number.monthly_cost).where(
        Number.role == "lease", Number.state == "active", Number.office_id.in_(offices)
    )
    costs = session.scalars(owned).all()
    calls = _calls_learnt(session)
    return Situation(
        seen_traffic(seen.rates(), learnt_curves(session), Traffic()),
        site.objective if site else "both",
        Certainty(seen.reveals, calls),
        _UNMEASURED if calls >= ENOUGH_CALLS else ("delays", *_UNMEASURED),
        seen.seconds / DAY_SECONDS,
        len(costs) or None,
        usual_price(costs) or usual_price(session.scalars(select(Number.monthly_cost)).all()),
    )


def _calls_learnt(session: Session) -> float:
    row = session.scalar(select(LearntDelays).limit(1))
    return sum(row.state["first"]["calls"]) if row else 0.0


def of_events(events: Iterable[Mapping[str, Any]], objective: str) -> Situation:
    """From a stream as `callease simulate --replay` reads it. Whose call each is, is taken as it stands there.

    Raises ValueError without a reveal.
    """
    seen = _Seen()
    for event in events:
        seen.take(event)
    learnt = seen.calls >= ENOUGH_CALLS
    return Situation(
        seen_traffic(seen.rates(), seen.learner.curves(), Traffic()),
        objective,
        Certainty(seen.reveals, seen.calls),
        _UNMEASURED if learnt else ("delays", *_UNMEASURED),
        (seen.until - seen.since) / DAY_SECONDS,
    )


class _Seen:
    """Counts and delays of a stream."""

    def __init__(self) -> None:
        self.learner = DelayLearner()
        self.since = self.until = 0.0
        self.reveals = self.calls = 0
        self._counts: dict[str, dict[str, int]] = {}
        self._leases: dict[tuple[str, str], tuple[int, float]] = {}
        self._leased_at: dict[int, float] = {}
        self._lease_of: dict[int, int] = {}
        self._called_at: dict[int, float] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        self.until = event["t"]
        if event["kind"] == "reveal":
            self._reveal(event)
        else:
            self._call(event)

    def rates(self) -> dict[str, dict[str, float]]:
        span = max(3_600.0, self.until - self.since)
        return {office: {name: count / span for name, count in of.items()} for office, of in self._counts.items()}

    def _reveal(self, event: Mapping[str, Any]) -> None:
        at, whose = event["t"], (event["visitor"], event["listing"])
        if not self.reveals:
            self.since = at
        self.reveals += 1
        of = self._counts.setdefault(event["office"], {})
        of[event["class"]] = of.get(event["class"], 0) + 1
        lease, until = self._leases.get(whose, (0, at))
        if at >= until:
            lease = event["id"]
            self._leases[whose] = lease, at + LEASE_SECONDS
            self._leased_at[lease] = at
            self.learner.leased(_moment(at))
        self._lease_of[event["id"]] = lease

    def _call(self, event: Mapping[str, Any]) -> None:
        at, lease = event["t"], self._lease_of[event["of"]]
        if lease in self._called_at:
            self.learner.called_again(_moment(at), at - self._called_at[lease], 1.0)
            return
        self.calls += 1
        self._called_at[lease] = at
        hidden = event["caller"] is None
        self.learner.called(_moment(at), [(at - self._leased_at[lease], 1.0)], hidden)
        if self.calls % _CALLS_A_FIT == 0:
            self.learner.curves()


def _moment(seconds: float) -> datetime:
    return BEGINS + timedelta(seconds=seconds)
