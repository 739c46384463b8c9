"""Reveals a second of each office and source class, from the lease log and from what measure mode counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from callease.attribution.models import MeasuredReveals
from callease.numbers.models import Lease, NumberCode
from callease.planning.allocation import Rates

# Reveals of the first minutes say nothing of a rate yet.
_SPAN_AT_LEAST_SECONDS = 3_600.0

_Row = tuple[str, str, int, datetime]


@dataclass(frozen=True)
class Observed:
    """`counts`: reveals by office and source class; offices that nobody asked for are not in it.

    `seconds`: how long was looked at, which is less than was asked for where counting began later; 0 without a reveal,
    be it one that got a code and is in no count.
    """

    counts: dict[str, dict[str, int]]
    seconds: float

    @property
    def reveals(self) -> int:
        return sum(sum(of.values()) for of in self.counts.values())

    def rates(self) -> dict[str, Rates]:
        """Reveals a second, by office and source class."""
        span = max(self.seconds, _SPAN_AT_LEAST_SECONDS)
        return {
            office: {name: count / span for name, count in by_class.items()} for office, by_class in self.counts.items()
        }


def observed(session: Session, since: datetime, until: datetime, site_id: str | None = None) -> Observed:
    """Reveals within [since, until), of one site or of all.

    Whoever asks again while the lease goes on is counted once. Who was given a code is not counted: one number serves
    any number of them, and more of them need none. Measure mode counts by the hour: an hour belongs to the window in
    which it begins.
    """
    leases = _leases(session, since, until, site_id)
    measured = _measured(session, since, until, site_id)
    counts: dict[str, dict[str, int]] = {}
    for office, source_class, count, _ in (*leases, *measured):
        if count:
            of = counts.setdefault(office, {})
            of[source_class] = of.get(source_class, 0) + count
    if not leases and not measured:
        return Observed({}, 0.0)
    first = min(at for *_, at in (*leases, *measured))
    begun = since if first > since and _counted_before(session, since, site_id) else max(since, first)
    return Observed(counts, (until - begun).total_seconds())


def _leases(session: Session, since: datetime, until: datetime, site_id: str | None) -> list[_Row]:
    """Those with a code say no more than that somebody counted."""
    without_code = func.count() - func.count(NumberCode.id)
    query = (
        select(Lease.office_id, Lease.source_class, without_code, func.min(Lease.leased_at))
        .outerjoin(NumberCode, NumberCode.id == Lease.id)
        .where(Lease.leased_at >= since, Lease.leased_at < until, *_of_site(Lease.site_id, site_id))
        .group_by(Lease.office_id, Lease.source_class)
        .order_by(Lease.office_id, Lease.source_class)
    )
    return _rows(session.execute(query).all())


def _measured(session: Session, since: datetime, until: datetime, site_id: str | None) -> list[_Row]:
    of = MeasuredReveals
    query = (
        select(of.office_id, of.source_class, func.sum(of.count), func.min(of.hour_at))
        .where(of.hour_at >= since, of.hour_at < until, *_of_site(of.site_id, site_id))
        .group_by(of.office_id, of.source_class)
        .order_by(of.office_id, of.source_class)
    )
    return _rows(session.execute(query).all())


def _rows(rows: Iterable[Any]) -> list[_Row]:
    return [(office, source_class, int(count), at) for office, source_class, count, at in rows]


def _counted_before(session: Session, since: datetime, site_id: str | None) -> bool:
    """Whether silence at the window's beginning means that nobody asked, and not that nobody counted."""
    lease = select(Lease.id).where(Lease.leased_at < since, *_of_site(Lease.site_id, site_id))
    hour = select(MeasuredReveals.hour_at).where(
        MeasuredReveals.hour_at < since, *_of_site(MeasuredReveals.site_id, site_id)
    )
    return any(session.execute(query.limit(1)).first() for query in (lease, hour))


def _of_site(column: Any, site_id: str | None) -> list[ColumnElement[bool]]:
    return [] if site_id is None else [column == site_id]
