"""The look-ups of reveals: whether a lease is in the log, and an office's fixed number."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select

from callease.base.database import Database
from callease.numbers.models import Lease, Number, SpentLease

VISITOR_REMEMBERED = timedelta(days=90)

_LEASE_BY_ID = select(Lease.id).where(Lease.id == bindparam("id"))
_KNOWN_VISITOR = (
    select(func.max(SpentLease.p))
    .join(Lease, Lease.id == SpentLease.lease_id)
    .where(Lease.visitor == bindparam("visitor"), Lease.leased_at > bindparam("since"), SpentLease.hidden.is_(False))
)
_FIXED_NUMBER = (
    select(Number.e164)
    .where(Number.office_id == bindparam("office_id"), Number.role == "static", Number.state == "active")
    .order_by(Number.id)
    .limit(1)
)


class NumberLookup:
    def __init__(self, database: Database) -> None:
        self._lease_by_id = database.lookups.prepare(_LEASE_BY_ID)
        self._known_visitor = database.lookups.prepare(_KNOWN_VISITOR)
        self._fixed_number = database.lookups.prepare(_FIXED_NUMBER)

    def is_logged(self, lease_id: str) -> bool:
        """Raises Unavailable."""
        return self._lease_by_id.first(id=lease_id) is not None

    def visitor_known(self, visitor: str | None, now: datetime) -> float:
        """The probability that the visitor's phone is known. Raises Unavailable."""
        if not visitor:
            return 0.0
        return self._known_visitor.scalar(visitor=visitor, since=now - VISITOR_REMEMBERED) or 0.0

    def fixed_number(self, office_id: str | None) -> str | None:
        """The number that everybody may see, None where the office has none. Raises Unavailable."""
        e164: str | None = self._fixed_number.scalar(office_id=office_id)
        return e164
