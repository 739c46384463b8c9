"""Gathers what is known of a call, asks the resolver, and remembers the answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute as Column
from sqlalchemy.orm import Session

from callease.attribution.facts import Belief, LeaseFacts, Memory, Question
from callease.attribution.learning import learnt_curves
from callease.attribution.models import CallerMemory, LeaseEvent
from callease.attribution.resolver import Resolution, resolve
from callease.numbers.codes import dialled_code
from callease.numbers.damage import NEWS, REMEMBERED
from callease.numbers.extensions import holders_of_code
from callease.numbers.lookup import VISITOR_REMEMBERED
from callease.numbers.models import Lease, SpentLease

_CLOCKS_DIFFER = timedelta(seconds=5)
_TAP_WINDOW = timedelta(seconds=90)


@dataclass(frozen=True)
class CalledNumber:
    """What the resolver needs to know of a number and of the office whose call it is: nothing of other owners is told.

    `source_class` is the class that the number has there. `takes_codes`: since `owner_since` it is shown for other
    offices too, and the owner, who answers for them, may know.
    """

    id: str
    office_id: str
    source_class: str | None
    owner_since: datetime
    takes_codes: bool = False


def resolve_call(
    session: Session,
    call_id: str,
    number: CalledNumber,
    caller_hash: str | None,
    digits: str | None,
    at: datetime,
) -> Resolution:
    """What can be said of the call `call_id` from what was known at `at`; the same whenever it is asked."""
    code = dialled_code(digits)
    holders = holders_of_code(session, number.id, code, at, at + _CLOCKS_DIFFER) if code else []
    with_code = [_facts(lease) for lease in holders]
    on_this_number = anywhere = None
    if caller_hash:
        earlier = (
            select(CallerMemory)
            .where(CallerMemory.caller_hash == caller_hash, CallerMemory.at < at, CallerMemory.call_id != call_id)
            .order_by(CallerMemory.at.desc(), CallerMemory.call_id)
            .limit(1)
        )
        here = _of_owner(number, CallerMemory.office_id, CallerMemory.at)
        on_this_number = session.scalar(earlier.where(CallerMemory.number_id == number.id, here))
        anywhere = session.scalar(earlier)
    return resolve(
        Question(
            at=at,
            owner_office_id=number.office_id,
            number_class=number.source_class,
            caller_known=caller_hash is not None,
            leases=_leases(session, call_id, number, at),
            on_this_number=_memory(on_this_number),
            anywhere=_memory(anywhere),
            digits=code,
            extension=with_code[0] if with_code else None,
            extension_before=with_code[1:],
        ),
        learnt_curves(session),
    )


def remember(
    session: Session, call_id: str, number_id: str, caller_hash: str | None, at: datetime, resolution: Resolution
) -> None:
    """Writes, or overwrites, what is believed of this call, for the next one."""
    # A call is believed anew with each further fact of it; what the pool was told before stays told.
    before = delete(SpentLease).where(SpentLease.call_id == call_id).returning(SpentLease.lease_id, SpentLease.told_p)
    told = dict(session.execute(before).all())
    hidden = caller_hash is None
    for lease, p in resolution.spent:
        told_p = told.get(lease.id, 0.0)
        no_news = p - told_p < NEWS
        session.add(
            SpentLease(call_id=call_id, lease_id=lease.id, p=p, hidden=hidden, pool_told=no_news, told_p=told_p, at=at)
        )
    session.execute(delete(CallerMemory).where(CallerMemory.call_id == call_id))
    if caller_hash:
        memory = resolution.memory
        session.add(
            CallerMemory(
                call_id=call_id,
                number_id=number_id,
                caller_hash=caller_hash,
                office_id=memory.office_id,
                leases=[[b.lease_id, b.visitor, b.listing_id, b.source_class, b.p] for b in memory.leases],
                unknown=dict(memory.unknown),
                visitors=dict(memory.visitors),
                first_at=memory.first_at,
                at=at,
            )
        )
    session.flush()


def _leases(session: Session, call_id: str, number: CalledNumber, at: datetime) -> list[LeaseFacts]:
    query = (
        select(Lease)
        .where(Lease.number_id == number.id, _of_owner(number, Lease.office_id, Lease.leased_at))
        .where(Lease.leased_at <= at + _CLOCKS_DIFFER)
        .order_by(Lease.leased_at.desc(), Lease.id.desc())
        .limit(REMEMBERED)
    )
    leases = session.scalars(query).all()
    ids = [lease.id for lease in leases]
    spent = (
        select(SpentLease)
        .where(SpentLease.lease_id.in_(ids), SpentLease.at < at, SpentLease.call_id != call_id)
        .order_by(SpentLease.at, SpentLease.call_id)
    )
    by_lease: dict[str, list[SpentLease]] = {}
    for each in session.scalars(spent):
        by_lease.setdefault(each.lease_id, []).append(each)
    dialled = _last_events(session, ids, "dial", at - _TAP_WINDOW, at + 2 * _CLOCKS_DIFFER)
    asked = _last_events(session, ids, "again", leases[-1].leased_at, at) if leases else {}
    known = _known_visitors(session, call_id, {lease.visitor for lease in leases if lease.visitor}, at)
    return [
        replace(
            _facts(lease, by_lease.get(lease.id, ())),
            known=known.get(lease.visitor or "", 0.0),
            asked_at=asked.get(lease.id),
            dialled_at=dialled.get(lease.id),
        )
        for lease in leases
    ]


def _of_owner(number: CalledNumber, office_id: Column[str], at: Column[datetime]) -> ColumnElement[bool]:
    own = office_id == number.office_id
    return or_(own, at >= number.owner_since) if number.takes_codes else own


def _last_events(
    session: Session, lease_ids: Sequence[str], type_: str, since: datetime, until: datetime
) -> dict[str, datetime]:
    query = (
        select(LeaseEvent.lease_id, func.max(LeaseEvent.at))
        .where(LeaseEvent.lease_id.in_(lease_ids), LeaseEvent.type == type_, LeaseEvent.at.between(since, until))
        .group_by(LeaseEvent.lease_id)
    )
    return dict(session.execute(query).all())


def _known_visitors(session: Session, call_id: str, visitors: set[str], at: datetime) -> dict[str, float]:
    """Of visitors whose phone is known: the probability of that, from the calls of their leases."""
    query = (
        select(Lease.visitor, func.max(SpentLease.p))
        .join(SpentLease, SpentLease.lease_id == Lease.id)
        .where(Lease.visitor.in_(visitors), Lease.leased_at > at - VISITOR_REMEMBERED)
        .where(SpentLease.at < at, SpentLease.call_id != call_id, SpentLease.hidden.is_(False))
        .group_by(Lease.visitor)
    )
    return {visitor: p for visitor, p in session.execute(query) if visitor}


def _facts(lease: Lease, spent: Iterable[SpentLease] = ()) -> LeaseFacts:
    facts = LeaseFacts(
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
    )
    for each in spent:
        facts = facts.after_call(each.p, each.at, each.hidden)
    return facts


def _memory(row: CallerMemory | None) -> Memory | None:
    if row is None:
        return None
    return Memory(
        office_id=row.office_id,
        first_at=row.first_at,
        at=row.at,
        leases=tuple(Belief(*each) for each in row.leases),
        unknown=row.unknown,
        visitors=row.visitors,
    )
