"""Calls in the database: opened by the first that is heard of them, computed anew with every event."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from callease.attribution.evidence import remember
from callease.attribution.facts import LeaseFacts
from callease.attribution.resolver import Resolution
from callease.base.clock import Clock
from callease.base.errors import NotFound
from callease.base.ids import new_id
from callease.base.secrets import SecretBox
from callease.catalog.models import Listing, Office
from callease.numbers.models import Lease
from callease.telephony.directory import Owner, find_owner
from callease.telephony.events import CallEvent, CallEventType, Disposition, fold
from callease.telephony.models import Call, CallEventRow
from callease.telephony.ownership import resolve_owned
from callease.telephony.providers.protocol import RouteQuestion


@dataclass(frozen=True)
class CallChange:
    """What one event did to its call: `news` are the event types heard for the first time, `changed` whether any
    fact of the call is another one now."""

    call: Call
    news: tuple[str, ...]
    changed: bool


def call_id(account_id: str, provider_call_id: str) -> str:
    """The same id whenever it is asked for: a route answered without the database names the later call.

    The account's id carries 80 random bits, so the digest cannot be guessed.
    """
    digest = hashlib.sha256(f"{account_id}\n{provider_call_id}".encode()).hexdigest()
    return f"call_{digest[:26]}"


def take_event(
    session: Session, clock: Clock, box: SecretBox, account_id: str, event: CallEvent, message_id: str | None
) -> CallChange:
    """Adds the event to its call. Raises NotFound: unknown_number, or unknown_call for an event that names only it."""
    call = _open(session, clock, account_id, event.provider_call_id, event.dialled, event.at)
    if not _add_event(session, clock, call, event, message_id):
        return CallChange(call, (), False)
    return _recompute(session, clock, box, call, event.type)


def take_question(
    session: Session, clock: Clock, box: SecretBox, account_id: str, question: RouteQuestion
) -> tuple[Call, Owner]:
    """The call that a provider asks about, attributed. Raises NotFound("unknown_number")."""
    owner = find_owner(session, question.dialled)
    if owner is None:
        raise NotFound("unknown_number")
    call = _open(session, clock, account_id, question.provider_call_id, question.dialled, question.at)
    dialled_since = bool(call.evidence) and question.digits not in (None, call.digits)
    call.digits = question.digits or call.digits
    if call.routed_at is None:
        call.routed_at = question.at
        call.caller = call.caller or question.caller
        _recompute(session, clock, box, call, None)
    if dialled_since:
        _attribute(session, box, call)
    return call, owner


def _open(
    session: Session, clock: Clock, account_id: str, provider_call_id: str, dialled: str | None, at: datetime
) -> Call:
    """The call's row, locked until the transaction ends."""
    id_ = call_id(account_id, provider_call_id)
    call = session.get(Call, id_, with_for_update=True)
    if call is not None:
        return call
    if dialled is None:
        raise NotFound("unknown_call")
    owner = find_owner(session, dialled)
    if owner is None:
        raise NotFound("unknown_number")
    call = Call(
        id=id_,
        account_id=account_id,
        provider_call_id=provider_call_id,
        number_id=owner.number.id,
        tracking_number=owner.number.e164,
        office_id=owner.office.id,
        advertiser_id=owner.office.advertiser_id,
        started_at=at,
        method="none",
        office_confidence=1.0,
        source_confidence=0.0,
        session_confidence=0.0,
        candidates=[],
        evidence=[],
        events_seen=[],
        updated_at=clock.now(),
    )
    try:
        with session.begin_nested():
            session.add(call)
    except IntegrityError:
        # Another process has heard of the call at the same moment: its row is the one.
        return session.get_one(Call, id_, with_for_update=True)
    return call


def _add_event(session: Session, clock: Clock, call: Call, event: CallEvent, message_id: str | None) -> bool:
    """False when this very event is known already."""
    fingerprint = event.fingerprint()
    known = select(CallEventRow.id).where(CallEventRow.call_id == call.id, CallEventRow.fingerprint == fingerprint)
    if session.scalar(known):
        return False
    session.add(
        CallEventRow(
            id=new_id("cev"),
            call_id=call.id,
            fingerprint=fingerprint,
            message_id=message_id,
            type=event.type,
            at=event.at,
            caller=event.caller,
            disposition=event.disposition,
            wait=event.wait,
            talk=event.talk,
            duration=event.duration,
            answered_by=event.answered_by,
            recording_url=event.recording_url,
            digits=event.digits,
            received_at=clock.now(),
        )
    )
    session.flush()
    return True


def _recompute(session: Session, clock: Clock, box: SecretBox, call: Call, type_: CallEventType | None) -> CallChange:
    rows = session.scalars(select(CallEventRow).where(CallEventRow.call_id == call.id))
    before = _facts_of(call)
    facts = fold((_event_of(call, row) for row in rows), call.routed_at, call.caller, call.digits)
    call.caller = facts.caller
    call.started_at = facts.started_at
    call.answered_at = facts.answered_at
    call.ended_at = facts.ended_at
    call.wait, call.talk, call.duration = facts.wait, facts.talk, facts.duration
    call.disposition = facts.disposition
    call.destination = facts.destination
    call.recording_url = facts.recording_url
    call.digits = facts.digits
    news = (type_.value,) if type_ and type_ not in call.events_seen else ()
    call.events_seen = [*call.events_seen, *news]
    if not call.evidence or _facts_of(call)[:3] != before[:3]:
        _attribute(session, box, call)
    changed = _facts_of(call) != before
    if changed or news:
        call.updated_at = clock.now()
    session.flush()
    return CallChange(call, news, changed)


def _attribute(session: Session, box: SecretBox, call: Call) -> None:
    owner = find_owner(session, call.tracking_number)
    assert owner is not None, "a call's number cannot be deleted"
    call.caller_hash = box.caller_hash(call.caller) if call.caller else None
    resolution = resolve_owned(session, call, owner.number)
    lease = session.get(Lease, resolution.lease_id) if resolution.lease_id else None
    call.office_id = resolution.office_id
    call.advertiser_id = session.scalar(select(Office.advertiser_id).where(Office.id == resolution.office_id))
    call.lease_id = lease.id if lease else None
    call.site_id = lease.site_id if lease else None
    call.listing_id = lease.listing_id if lease else None
    _write_resolution(session, call, resolution)
    remember(session, call.id, call.number_id, call.caller_hash, call.started_at, resolution)


def _write_resolution(session: Session, call: Call, resolution: Resolution) -> None:
    call.method = resolution.method
    call.source_class = resolution.source_class
    call.office_confidence = resolution.office
    call.source_confidence = resolution.source
    call.session_confidence = resolution.session
    call.candidates = [_candidate(session, call, lease, p) for lease, p in resolution.candidates]
    call.evidence = [{"key": step.key, "values": step.values} for step in resolution.steps]


def _candidate(session: Session, call: Call, lease: LeaseFacts, p: float) -> dict[str, object]:
    external_id = session.scalar(select(Listing.external_id).where(Listing.id == lease.listing_id))
    age = round((call.started_at - lease.leased_at).total_seconds())
    return {
        "lease": lease.id,
        "listing": external_id,
        "p": p,
        "source_class": lease.source_class,
        "age_seconds": max(0, age),
    }


def _event_of(call: Call, row: CallEventRow) -> CallEvent:
    return CallEvent(
        provider_call_id=call.provider_call_id,
        type=CallEventType(row.type),
        at=row.at,
        caller=row.caller,
        disposition=Disposition(row.disposition) if row.disposition else None,
        wait=row.wait,
        talk=row.talk,
        duration=row.duration,
        answered_by=row.answered_by,
        recording_url=row.recording_url,
        digits=row.digits,
    )


def _facts_of(call: Call) -> tuple[object, ...]:
    return (
        call.caller,
        call.started_at,
        call.digits,
        call.answered_at,
        call.ended_at,
        call.wait,
        call.talk,
        call.duration,
        call.disposition,
        call.destination,
        call.recording_url,
    )
