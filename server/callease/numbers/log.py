"""What a pool is rebuilt from: the office's numbers, and their leases as far as they still matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from callease.base.database import Database
from callease.base.fences import fence_value, raise_fence
from callease.catalog.models import Office
from callease.numbers.damage import REMEMBERED, LoggedLease, PastLease
from callease.numbers.models import Lease, Number, SpentLease

# After so long hardly a first call is still to come.
_MATTERS = timedelta(days=45)


@dataclass(frozen=True)
class PooledNumber:
    """`source_class` None: for any class. `held_until` None: never leased."""

    id: str
    e164: str
    source_class: str | None
    held_until: datetime | None


@dataclass(frozen=True)
class LiveLease:
    id: str
    number_id: str
    subject: str
    leased_at: datetime
    expires_at: datetime
    outcome: str


@dataclass(frozen=True)
class PoolFacts:
    """`leases`: in the order of time, those that ended too. `live`: those under way."""

    version: int
    numbers: Sequence[PooledNumber]
    live: Sequence[LiveLease]
    leases: Sequence[PastLease]


class LeaseLog(Protocol):
    """Each raises Unavailable."""

    def pool_of(self, office_id: str, now: datetime) -> PoolFacts: ...

    def fence(self, office_id: str) -> int:
        """Behind which rows are written at present."""

    def raise_fence(self, office_id: str) -> int:
        """From now on no row that was prepared behind an earlier fence is written; the new one, nobody else's."""


class SqlLeaseLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    def fence(self, office_id: str) -> int:
        return fence_value(self._database, office_id)

    def raise_fence(self, office_id: str) -> int:
        return raise_fence(self._database, office_id)

    def pool_of(self, office_id: str, now: datetime) -> PoolFacts:
        with self._database.reading() as session:
            version = session.scalar(select(Office.pool_version).where(Office.id == office_id)) or 0
            numbers = session.execute(_numbers(office_id)).all()
            live = session.scalars(
                select(Lease).where(Lease.office_id == office_id, Lease.expires_at > now).order_by(Lease.leased_at)
            ).all()
            past = [
                (row.number_id, LoggedLease(*row[1:]))
                for row in session.execute(_past_leases(office_id, now - _MATTERS))
            ]
        return PoolFacts(
            version,
            [PooledNumber(*row) for row in numbers],
            [
                LiveLease(
                    each.id,
                    each.number_id,
                    each.subject,
                    each.leased_at,
                    each.expires_at,
                    "borrowed" if each.borrowed else each.kind,
                )
                for each in live
            ],
            [PastLease(number_id, each.source_class, each.leased_at, each.pending) for number_id, each in past],
        )


def _numbers(office_id: str) -> Select[*tuple[Any, ...]]:
    last = (
        select(Lease.expires_at)
        .where(Lease.number_id == Number.id)
        .order_by(Lease.leased_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(Number.id, Number.e164, Number.source_class, last).where(
        Number.office_id == office_id, Number.role == "lease", Number.state == "active"
    )


def newest_leases(office_id: str, number_id: str) -> Select[*tuple[Any, ...]]:
    """As many as the number remembers, newest first: the columns of `LoggedLease`."""
    return (
        select(*_logged(Lease))
        .where(Lease.number_id == number_id, Lease.office_id == office_id)
        .order_by(Lease.leased_at.desc(), Lease.id.desc())
        .limit(REMEMBERED)
    )


def _past_leases(office_id: str, since: datetime) -> Select[*tuple[Any, ...]]:
    """The number and the columns of `LoggedLease`, in the order of time."""
    newer = func.row_number().over(partition_by=Lease.number_id, order_by=(Lease.leased_at.desc(), Lease.id.desc()))
    ranked = select(Lease, newer.label("place")).where(Lease.office_id == office_id, Lease.leased_at > since).subquery()
    lease = aliased(Lease, ranked)
    return select(lease.number_id, *_logged(lease)).where(ranked.c.place <= REMEMBERED).order_by(lease.leased_at)


def _logged(lease: Any) -> tuple[Any, ...]:
    spent = select(func.coalesce(func.sum(SpentLease.p), 0.0)).where(SpentLease.lease_id == lease.id)
    return lease.id, lease.source_class, lease.leased_at, lease.weight, spent.scalar_subquery()
