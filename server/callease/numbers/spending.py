"""Tells the pools in Redis which leases have brought their calls, after the calls have been recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from callease.base.database import Database
from callease.numbers.damage import LoggedLease, spent_on
from callease.numbers.log import newest_leases
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
            news = [
                spent_on(*key, (LoggedLease(*row) for row in session.execute(newest_leases(*key))), parts)
                for key, parts in told.items()
            ]
        self._pool.spend(news)
        return len(due)


def _claimed(session: Session, due: Sequence[Any]) -> dict[tuple[str, str], dict[str, float]]:
    """By (office, number): leases and how much of each was spent since the pool was told last.

    A number with codes is in no pool.
    """
    claimed: dict[tuple[str, str], dict[str, float]] = {}
    for spent, office_id, number_id, role in due:
        news = spent.p - spent.told_p
        mark = update(SpentLease).where(
            SpentLease.call_id == spent.call_id,
            SpentLease.lease_id == spent.lease_id,
            SpentLease.pool_told.is_(False),
            SpentLease.p == spent.p,  # believed anew meanwhile: the next turn's
        )
        marked = session.execute(mark.values(pool_told=True, told_p=spent.p)).rowcount  # type: ignore[attr-defined]
        if marked and role == "lease":
            parts = claimed.setdefault((office_id, number_id), {})
            parts[spent.lease_id] = min(1.0, parts.get(spent.lease_id, 0.0) + news)
    return claimed
