"""Gathers what is known of a call, asks the resolver, and remembers the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from callease.attribution.models import CallerMemory, LeaseEvent
from callease.attribution.resolver import CANDIDATES_AT_MOST, LeaseFacts, Memory, Question, Resolution, resolve
from callease.numbers.models import Lease

_CLOCKS_DIFFER = timedelta(seconds=5)
_TAP_WINDOW = timedelta(seconds=90)


@dataclass(frozen=True)
class CalledNumber:
    """What the resolver needs to know of a number and of the office whose call it is: nothing of other owners is told.

    `source_class` is the class that the number has there.
    """

    id: str
    office_id: str
    source_class: str | None
    owner_since: datetime


def resolve_call(
    session: Session, call_id: str, number: CalledNumber, caller_hash: str | None, digits: str | None, at: datetime
) -> Resolution:
    """What can be said of the call `call_id` from what was known at `at`; the same whenever it is asked."""
    on_this_number = as_visitor = None
    if caller_hash:
        earlier = (
            select(CallerMemory)
            .where(CallerMemory.caller_hash == caller_hash, CallerMemory.at < at, CallerMemory.call_id != call_id)
            .order_by(CallerMemory.at.desc(), CallerMemory.call_id)
            .limit(1)
        )
        on_this_number = session.scalar(
            earlier.where(CallerMemory.number_id == number.id, CallerMemory.office_id == number.office_id)
        )
        as_visitor = session.scalar(earlier.where(CallerMemory.visitor.is_not(None)))
    return resolve(
        Question(
            at=at,
            owner_office_id=number.office_id,
            owner_since=number.owner_since,
            number_class=number.source_class,
            caller_known=caller_hash is not None,
            leases=_leases(session, call_id, number, caller_hash, at),
            on_this_number=_memory(on_this_number),
            as_visitor=_memory(as_visitor),
            digits=digits,
        )
    )


def remember(
    session: Session, call_id: str, number_id: str, caller_hash: str | None, at: datetime, resolution: Resolution
) -> None:
    """Writes, or overwrites, what is believed of this call, for the next one of the same caller."""
    memory = session.get(CallerMemory, call_id) or CallerMemory(call_id=call_id)
    lease = session.get(Lease, resolution.lease_id) if resolution.lease_id else None
    memory.number_id = number_id
    memory.caller_hash = caller_hash
    memory.office_id = resolution.office_id
    memory.lease_id = resolution.lease_id
    memory.visitor = lease.visitor if lease else None
    memory.source_class = resolution.source_class
    memory.source_confidence = resolution.source
    memory.session_confidence = resolution.session
    memory.at = at
    session.add(memory)
    session.flush()


def _leases(
    session: Session, call_id: str, number: CalledNumber, caller_hash: str | None, at: datetime
) -> list[LeaseFacts]:
    query = (
        select(Lease)
        .where(Lease.number_id == number.id, Lease.office_id == number.office_id)
        .where(Lease.leased_at <= at + _CLOCKS_DIFFER)
        .order_by(Lease.leased_at.desc(), Lease.id.desc())
        .limit(CANDIDATES_AT_MOST)
    )
    leases = session.scalars(query).all()
    ids = [lease.id for lease in leases]
    spent = set(
        session.scalars(
            select(CallerMemory.lease_id).where(
                CallerMemory.lease_id.in_(ids),
                CallerMemory.at < at,
                CallerMemory.call_id != call_id,
                func.coalesce(CallerMemory.caller_hash, "") != (caller_hash or "hidden"),
            )
        )
    )
    taps = (
        select(LeaseEvent.lease_id, func.max(LeaseEvent.at))
        .where(LeaseEvent.lease_id.in_(ids), LeaseEvent.type == "dial")
        .where(LeaseEvent.at.between(at - _TAP_WINDOW, at + 2 * _CLOCKS_DIFFER))
        .group_by(LeaseEvent.lease_id)
    )
    dialled = dict(session.execute(taps).all())
    return [
        LeaseFacts(
            id=lease.id,
            office_id=lease.office_id,
            site_id=lease.site_id,
            listing_id=lease.listing_id,
            visitor=lease.visitor,
            source_class=lease.source_class,
            leased_at=lease.leased_at,
            kind=lease.kind,
            borrowed=lease.borrowed,
            consented=lease.consented,
            spent=lease.id in spent,
            dialled_at=dialled.get(lease.id),
        )
        for lease in leases
    ]


def _memory(row: CallerMemory | None) -> Memory | None:
    if row is None:
        return None
    return Memory(
        office_id=row.office_id,
        lease_id=row.lease_id,
        visitor=row.visitor,
        source_class=row.source_class,
        source_confidence=row.source_confidence,
        session_confidence=row.session_confidence,
        at=row.at,
    )
