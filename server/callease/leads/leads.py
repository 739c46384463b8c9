"""Leads: made by the first event of a call, worked by an office."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import Conflict
from callease.base.ids import new_id
from callease.base.outbox import announce
from callease.base.secrets import SecretBox
from callease.leads.models import Contact, Lead, LeadChange
from callease.leads.states import TRANSITIONS, LeadStatus, action_towards
from callease.leads.view import lead_data
from callease.telephony.calls import CallChange, take_event
from callease.telephony.events import CallEvent
from callease.telephony.models import Call


def take_call_event(
    session: Session,
    database: Database,
    clock: Clock,
    box: SecretBox,
    account_id: str,
    event: CallEvent,
    message_id: str | None,
) -> Call:
    """The event's call, with its one lead, and everything that is to be announced, in the caller's transaction."""
    change = take_event(session, clock, box, account_id, event, message_id)
    lead = session.scalar(select(Lead).where(Lead.call_id == change.call.id))
    # A code asked for by the question where the call should go leads to another office, without any event's doing.
    moved = lead is not None and lead.office_id != change.call.office_id
    if not (change.news or change.changed or moved):
        return change.call
    created = lead is None
    if lead is None:
        lead = _create_from_call(session, database, clock, change.call)
    else:
        _follow_call(session, database, clock, lead, change.call)
    _announce(session, clock, lead, change, created)
    return change.call


def act(session: Session, clock: Clock, lead: Lead, action: str, actor_id: str, actor: str) -> Lead:
    """Claims, releases, closes or reopens. Raises Conflict("lead_moved_on") when the status does not allow it."""
    seen = LeadStatus(lead.status)
    target = TRANSITIONS.get((seen, action))
    if target is None:
        raise Conflict("lead_moved_on", lead_status=lead.status)
    now = clock.now()
    holder: dict[str, str | None] = {}
    if action == "claim":
        holder = {"claimed_by_id": actor_id, "claimed_by": actor}
    if action in ("release", "reopen"):
        holder = {"claimed_by_id": None, "claimed_by": None}
    moved = session.execute(
        update(Lead)
        .where(Lead.id == lead.id, Lead.status == seen)
        .values(status=target, updated_at=now, **holder)
        .returning(Lead.id)
    ).all()
    if not moved:
        raise Conflict("lead_moved_on")
    session.refresh(lead)
    session.add(LeadChange(id=new_id("lch"), lead_id=lead.id, at=now, actor=actor, action=action, values={}))
    announce(session, "lead.updated", lead.id, lead.advertiser_id, lead_data(session, [lead])[0], now)
    return lead


def move_to(session: Session, clock: Clock, lead: Lead, wanted: str, actor_id: str, actor: str) -> Lead:
    """Like `act`, by the status that is wanted; the status that the lead has already changes nothing."""
    if wanted == lead.status:
        return lead
    action = action_towards(LeadStatus(lead.status), LeadStatus(wanted))
    if action is None:
        raise Conflict("lead_moved_on", lead_status=lead.status)
    return act(session, clock, lead, action, actor_id, actor)


def set_tags(session: Session, clock: Clock, lead: Lead, tags: list[str]) -> Lead:
    lead.tags, lead.updated_at = tags, clock.now()
    session.flush()
    announce(session, "lead.updated", lead.id, lead.advertiser_id, lead_data(session, [lead])[0], lead.updated_at)
    return lead


def _create_from_call(session: Session, database: Database, clock: Clock, call: Call) -> Lead:
    contact = _contact(session, database, clock, call.advertiser_id, call.caller)
    now = clock.now()
    lead = Lead(
        id=new_id("lead"),
        kind="call",
        status=LeadStatus.NEW,
        advertiser_id=call.advertiser_id,
        office_id=call.office_id,
        contact_id=contact.id if contact else None,
        first_time=_is_first(session, contact, None),
        call_id=call.id,
        tags=[],
        created_at=now,
        updated_at=now,
    )
    session.add(lead)
    session.add(LeadChange(id=new_id("lch"), lead_id=lead.id, at=now, actor=None, action="created", values={}))
    session.flush()
    return lead


def _follow_call(session: Session, database: Database, clock: Clock, lead: Lead, call: Call) -> None:
    """A later event can know the caller, or the office that a caller was remembered for, better than the first."""
    lead.updated_at = clock.now()
    contact = _contact(session, database, clock, call.advertiser_id, call.caller)
    if (contact.id if contact else None) != lead.contact_id:
        lead.contact_id = contact.id if contact else None
        lead.first_time = _is_first(session, contact, lead.id)
    lead.office_id, lead.advertiser_id = call.office_id, call.advertiser_id
    session.flush()


def _contact(
    session: Session, database: Database, clock: Clock, advertiser_id: str | None, phone: str | None
) -> Contact | None:
    if phone is None:
        return None
    key = advertiser_id or ""
    find = select(Contact).where(Contact.advertiser_key == key, Contact.phone == phone)
    if found := session.scalar(find):
        return found
    session.execute(
        database.insert_if_new(Contact, ["advertiser_key", "phone"]).values(
            id=new_id("con"),
            advertiser_id=advertiser_id,
            advertiser_key=key,
            phone=phone,
            created_at=clock.now(),
        )
    )
    return session.scalars(find).one()


def _is_first(session: Session, contact: Contact | None, own_lead_id: str | None) -> bool:
    if contact is None:
        return True
    earlier = select(Lead.id).where(Lead.contact_id == contact.id)
    if own_lead_id:
        earlier = earlier.where(Lead.id < own_lead_id)
    return session.scalar(earlier.limit(1)) is None


def _announce(session: Session, clock: Clock, lead: Lead, change: CallChange, created: bool) -> None:
    data, now = lead_data(session, [lead])[0], clock.now()
    for type_ in change.news:
        announce(session, type_, lead.id, lead.advertiser_id, data, now)
    announce(session, "lead.created" if created else "lead.updated", lead.id, lead.advertiser_id, data, now)
