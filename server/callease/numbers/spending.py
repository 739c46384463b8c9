"""Tells the pools in Redis which leases have brought their calls, after the calls have been recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from callease.base.database import Database
from callease.numbers.damage import REMEMBERED, Spent, SpentOn, warm_since
from callease.numbers.models import Lease, Number, SpentLease
from callease.numbers.pool import NumberPool

_AT_ONCE = 500
_DUE = (
    select(SpentLease, Lease.office_id, Lease.number_id, Number.role)
    .join(Lease, Lease.id == SpentLease.lease_id)
    .join(Number, Number.id == Lease.number_id)
    .where(SpentLease.pool_told.is_(False))
    .order_by(SpentLease.at, SpentLease.call_id, SpentLease.lease_id)
    .limit(_AT_ONCE)
)


class Spending:
    """Any number of workers: whoever marks a row tells the pool, once. What is lost then, the next rebuild knows."""

    def __init__(self, database: Database, pool: NumberPool) -> None:
        self._database = database
        self._pool = pool

    def tell_pools(self) -> int:
        """Takes what is due, at most 500 leases; how many those were. Raises Unavailable."""
        with self._database.transaction() as session:
            due = session.execute(_DUE).all()
            told = _claimed(session, due)
            spent_on = [_spent_on(session, *key, parts) for key, parts in told.items()]
        self._pool.spend(spent_on)
        return len(due)


def _claimed(session: Session, due: Sequence[Any]) -> dict[tuple[str, str], dict[str, float]]:
    """By (office, number): leases and how much of each was spent since the pool was told last.

    A number with codes is in no pool.
    """
    claimed: dict[tuple[str, str], dict[str, float]] = {}
    for spent, office_id, number_id, role in due:
        mark = update(SpentLease).where(
            SpentLease.call_id == spent.call_id,
            SpentLease.lease_id == spent.lease_id,
            SpentLease.pool_told.is_(False),
        )
        marked = session.execute(mark.values(pool_told=True)).rowcount  # type: ignore[attr-defined]
        if marked and role == "lease":
            parts = claimed.setdefault((office_id, number_id), {})
            parts[spent.lease_id] = min(1.0, parts.get(spent.lease_id, 0.0) + spent.p)
    return claimed


def _spent_on(session: Session, office_id: str, number_id: str, parts: Mapping[str, float]) -> SpentOn:
    """Leases older than those that the number remembers are in nobody's way."""
    done = select(func.coalesce(func.sum(SpentLease.p), 0.0)).where(SpentLease.lease_id == Lease.id).scalar_subquery()
    newest = (
        select(Lease.id, Lease.source_class, Lease.leased_at, done)
        .where(Lease.number_id == number_id, Lease.office_id == office_id)
        .order_by(Lease.leased_at.desc(), Lease.id.desc())
        .limit(REMEMBERED)
    )
    spent: list[Spent] = []
    unspent: list[tuple[datetime, float]] = []
    covered_by = 0.0
    for lease_id, source_class, leased_at, p in session.execute(newest):
        if lease_id in parts:
            spent.append(Spent(source_class, leased_at, parts[lease_id], covered_by))
        left = max(0.0, 1.0 - p)
        unspent.append((leased_at, left))
        covered_by += left
    return SpentOn(office_id, number_id, spent, warm_since(unspent))
