"""What a pool is rebuilt from: the office's numbers, and their leases as far as they still matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Select, func, select

from callease.base.database import Database
from callease.base.fences import fence_value, raise_fence
from callease.catalog.models import Office
from callease.numbers.damage import REMEMBERED, PastLease
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
            past = session.execute(_past_leases(office_id, now - _MATTERS)).all()
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
            [PastLease(row[0], row[1], row[2], max(0.0, 1.0 - row[3])) for row in past],
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


def _past_leases(office_id: str, since: datetime) -> Select[*tuple[Any, ...]]:
    newer = func.row_number().over(partition_by=Lease.number_id, order_by=(Lease.leased_at.desc(), Lease.id.desc()))
    ranked = (
        select(Lease.id, Lease.number_id, Lease.source_class, Lease.leased_at, newer.label("place"))
        .where(Lease.office_id == office_id, Lease.leased_at > since)
        .subquery()
    )
    spent = (
        select(func.coalesce(func.sum(SpentLease.p), 0.0)).where(SpentLease.lease_id == ranked.c.id).scalar_subquery()
    )
    return (
        select(ranked.c.number_id, ranked.c.source_class, ranked.c.leased_at, spent)
        .where(ranked.c.place <= REMEMBERED)
        .order_by(ranked.c.leased_at)
    )
