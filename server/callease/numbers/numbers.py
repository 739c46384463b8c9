"""Numbers of offices: added, changed, moved, retired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.errors import Conflict, InvalidRequest
from callease.base.fences import overtake
from callease.base.ids import new_id
from callease.catalog import revisions
from callease.catalog.models import Office
from callease.numbers.models import Lease, Number
from callease.numbers.states import NumberState, after

_AT_ONCE = 200


@dataclass(frozen=True)
class Moves:
    """Ids of numbers: `completed` ones have their new owner, `stuck` ones wait for an office that is retired."""

    completed: tuple[str, ...]
    stuck: tuple[str, ...]


def create_number(session: Session, clock: Clock, fields: dict[str, Any]) -> Number:
    """Without `office_id` the portal's call centre owns it.

    Raises Conflict("number_taken") when the number is known already, whoever owns it; InvalidRequest when there is no
    call centre.
    """
    if session.scalar(select(Number.id).where(Number.e164 == fields["e164"])):
        raise Conflict("number_taken")
    if fields.get("office_id") is None:
        fields = {**fields, "office_id": _call_centre(session)}
    now = clock.now()
    number = Number(id=new_id("num"), state=NumberState.ACTIVE, owner_since=now, created_at=now, **fields)
    session.add(number)
    session.flush()
    _pool_changed(session, number.office_id)
    return number


def _call_centre(session: Session) -> str:
    first = select(Office.id).where(Office.advertiser_id.is_(None), Office.retired_at.is_(None))
    office_id = session.scalar(first.order_by(Office.created_at, Office.id).limit(1))
    if office_id is None:
        raise InvalidRequest({"office": ["is required: the portal has no call centre"]})
    return office_id


def update_number(
    session: Session, clock: Clock, number: Number, fields: dict[str, Any], quarantine: timedelta
) -> Number:
    """A number that was never shown changes its office at once, one that was when its quarantine is over.

    Callers of the old office would else reach the new one. Its present office as `office_id` cancels a move; a source
    class beside another office is the one that the number has there. Raises Conflict: number_keeps_its_digits, or
    number_was_shown for a retired one.
    """
    _lock(session, number)
    old_office, others = number.office_id, dict(fields)
    office_id = others.pop("office_id", None)
    if others.get("e164", number.e164) != number.e164:
        raise Conflict("number_keeps_its_digits")
    if office_id is not None:
        _give(session, clock, number, office_id, quarantine)
    if number.next_office_id is not None and number.next_office_id == office_id and "source_class" in others:
        number.next_source_class = others.pop("source_class")
    for name, value in others.items():
        setattr(number, name, value)
    session.flush()
    for changed in sorted({old_office, number.office_id}):
        _pool_changed(session, changed)
    return number


def retire_number(session: Session, number: Number) -> None:
    """It is leased no more; calls to it still reach its owner. A move that was under way is cancelled."""
    _lock(session, number)
    _act(number, "retire")
    _forget_next(number)
    session.flush()
    _pool_changed(session, number.office_id)


def complete_moves(session: Session, clock: Clock) -> Moves:
    """Gives numbers whose quarantine is over to their next office, a batch at a time.

    Any number of workers may do it at once: the condition is in the update itself.
    """
    now = clock.now()
    over = (Number.state == NumberState.QUARANTINE, Number.quarantine_until <= now)
    due = (
        select(Number.id, Number.office_id, Number.next_office_id, Office.retired_at)
        .join(Office, Office.id == Number.next_office_id)
        .where(*over)
        .order_by(Office.retired_at.is_not(None), Number.quarantine_until, Number.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True, of=Number)
    )
    rows = session.execute(due).all()
    ready = [row for row in rows if row.retired_at is None]
    if ready:
        # The revision's lock keeps offices from being retired until this is committed.
        revisions.changed(session, Number)
    completed: list[str] = []
    touched: set[str] = set()
    living = select(Office.id).where(Office.retired_at.is_(None))
    for row in ready:
        move = (
            update(Number)
            .where(Number.id == row.id, *over)
            .where(Number.next_office_id == row.next_office_id, Number.next_office_id.in_(living))
            .values(
                previous_office_id=Number.office_id,
                office_id=row.next_office_id,
                owner_since=now,
                state=after(NumberState.QUARANTINE, "complete"),
                source_class=Number.next_source_class,
                next_office_id=None,
                next_source_class=None,
                quarantine_until=None,
            )
            .returning(Number.id)
        )
        if session.scalar(move.execution_options(synchronize_session=False)):
            completed.append(row.id)
            touched |= {row.office_id, row.next_office_id}
    for office_id in sorted(touched):
        _pool_changed(session, office_id)
    return Moves(tuple(completed), tuple(row.id for row in rows if row.retired_at is not None))


def _give(session: Session, clock: Clock, number: Number, office_id: str, quarantine: timedelta) -> None:
    if office_id == number.office_id:
        if number.state == NumberState.QUARANTINE:
            _act(number, "cancel")
            _forget_next(number)
        return
    if office_id == number.next_office_id:
        return
    if number.next_office_id is None and not _ever_shown(session, number):
        number.previous_office_id, number.office_id, number.owner_since = number.office_id, office_id, clock.now()
        return
    _act(number, "move")
    number.next_office_id, number.quarantine_until = office_id, clock.now() + quarantine
    number.next_source_class = None


def _forget_next(number: Number) -> None:
    number.next_office_id = number.next_source_class = number.quarantine_until = None


def _act(number: Number, action: str) -> None:
    state = after(NumberState(number.state), action)
    if state is None:
        raise Conflict("number_was_shown")
    number.state = state


def was_shown(session: Session, number: Number) -> bool:
    """Whether somebody may know it. Of a fixed number nobody keeps a log: it may have been shown to anybody."""
    if number.role == "static":
        return True
    return session.scalar(select(Lease.id).where(Lease.number_id == number.id).limit(1)) is not None


def _ever_shown(session: Session, number: Number) -> bool:
    """Before it goes to another office at once: a lease of it that is on its way into the log may not get there."""
    if was_shown(session, number):
        return True
    overtake(session, number.office_id)
    return was_shown(session, number)


def _lock(session: Session, number: Number) -> None:
    """What was read of the number before may be what a worker has just changed.

    Leases of it may be written meanwhile: they stand behind a fence that `overtake` would wait for.
    """
    session.refresh(number, with_for_update={"key_share": True})


def _pool_changed(session: Session, office_id: str) -> None:
    session.execute(update(Office).where(Office.id == office_id).values(pool_version=Office.pool_version + 1))
