"""Numbers of offices: added, changed, retired."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.errors import Conflict
from callease.base.ids import new_id
from callease.catalog.models import Office
from callease.numbers.models import Lease, Number


def create_number(session: Session, clock: Clock, fields: dict[str, Any]) -> Number:
    """Raises Conflict("number_taken") when the number is known already, whoever owns it."""
    if session.scalar(select(Number.id).where(Number.e164 == fields["e164"])):
        raise Conflict("number_taken")
    now = clock.now()
    number = Number(id=new_id("num"), state="active", owner_since=now, created_at=now, **fields)
    session.add(number)
    session.flush()
    _pool_changed(session, number.office_id)
    return number


def update_number(session: Session, clock: Clock, number: Number, fields: dict[str, Any]) -> Number:
    """A number that was never shown may change its office at once; one that was raises Conflict.

    Callers of the old office would reach the new one: `number_was_shown`.
    """
    old_office = number.office_id
    if fields.get("e164", number.e164) != number.e164:
        raise Conflict("number_keeps_its_digits")
    if fields.get("office_id", old_office) != old_office:
        if session.scalar(select(Lease.id).where(Lease.number_id == number.id).limit(1)):
            raise Conflict("number_was_shown")
        number.owner_since = clock.now()
    for name, value in fields.items():
        setattr(number, name, value)
    session.flush()
    for office_id in {old_office, number.office_id}:
        _pool_changed(session, office_id)
    return number


def retire_number(session: Session, number: Number) -> None:
    """It is leased no more; calls to it still reach its owner."""
    number.state = "retired"
    session.flush()
    _pool_changed(session, number.office_id)


def _pool_changed(session: Session, office_id: str) -> None:
    session.execute(update(Office).where(Office.id == office_id).values(pool_version=Office.pool_version + 1))
