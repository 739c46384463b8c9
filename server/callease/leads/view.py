"""A lead as everybody outside sees it: the `data` of events, the management API and the cabinet alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.attribution.models import Visit
from callease.base.clock import rfc3339
from callease.base.database import Base
from callease.catalog.models import Listing
from callease.leads.models import Contact, Lead
from callease.numbers.models import Lease
from callease.telephony.models import Call

Row = TypeVar("Row", bound=Base)


def lead_data(session: Session, leads: Sequence[Lead]) -> list[dict[str, Any]]:
    """The shape of contract section 6, one per lead, with a fixed number of queries for any number of leads."""
    calls = _by_id(session, Call, (lead.call_id for lead in leads))
    contacts = _by_id(session, Contact, (lead.contact_id for lead in leads))
    listings = _by_id(session, Listing, (call.listing_id for call in calls.values()))
    leases = _by_id(session, Lease, (call.lease_id for call in calls.values()))
    visits = _by_id(session, Visit, (lease.visit_id for lease in leases.values()))
    answers = []
    for lead in leads:
        call = calls.get(lead.call_id or "")
        lease = leases.get(call.lease_id or "") if call else None
        visit = visits.get(lease.visit_id or "") if lease and lease.consented else None
        answers.append(
            {
                "lead": lead.id,
                "kind": lead.kind,
                "status": lead.status,
                "advertiser": lead.advertiser_id,
                "office": lead.office_id,
                "created_at": rfc3339(lead.created_at),
                "listing": _listing(listings.get(call.listing_id or "")) if call else None,
                "contact": _contact(contacts.get(lead.contact_id or ""), lead),
                "call": _call(call) if call else None,
                "attribution": _attribution(call, lease, visit) if call else None,
                "tags": lead.tags,
                "target": lead.target,
            }
        )
    return answers


def call_data(session: Session, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Calls with what is known of them: the `call` and `attribution` of an event, and whose they are."""
    listings = _by_id(session, Listing, (call.listing_id for call in calls))
    leases = _by_id(session, Lease, (call.lease_id for call in calls))
    visits = _by_id(session, Visit, (lease.visit_id for lease in leases.values()))
    answers = []
    for call in calls:
        lease = leases.get(call.lease_id or "")
        visit = visits.get(lease.visit_id or "") if lease and lease.consented else None
        answers.append(
            {
                **_call(call),
                "provider_call_id": call.provider_call_id,
                "telephony_account": call.account_id,
                "advertiser": call.advertiser_id,
                "office": call.office_id,
                "caller": call.caller,
                "duration": call.duration,
                "listing": _listing(listings.get(call.listing_id or "")),
                "attribution": _attribution(call, lease, visit),
                "evidence": call.evidence,
            }
        )
    return answers


def _listing(listing: Listing | None) -> dict[str, Any] | None:
    if listing is None:
        return None
    return {"id": listing.external_id, "title": listing.title, "url": listing.url, "complex": listing.complex}


def _contact(contact: Contact | None, lead: Lead) -> dict[str, Any]:
    phone, name = (contact.phone, contact.name) if contact else (None, None)
    return {"phone": phone, "name": name, "first_time": lead.first_time}


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "tracking_number": call.tracking_number,
        "started_at": rfc3339(call.started_at),
        "answered_at": rfc3339(call.answered_at) if call.answered_at else None,
        "ended_at": rfc3339(call.ended_at) if call.ended_at else None,
        "wait": call.wait,
        "talk": call.talk,
        "disposition": call.disposition,
        "recording_url": call.recording_url,
        "destination": call.destination,
    }


def _attribution(call: Call, lease: Lease | None, visit: Visit | None) -> dict[str, Any]:
    """Without the visitor's consent, where it is required, the source class is all that is stated of the visit."""
    consented = lease is not None and lease.consented
    return {
        "lease": lease.id if lease and consented else None,
        "method": call.method,
        "confidence": {
            "office": call.office_confidence,
            "source": call.source_confidence,
            "session": call.session_confidence,
        },
        "candidates": call.candidates if lease is None or consented else [],
        "source_class": call.source_class,
        "source": visit.source if visit else None,
        "medium": visit.medium if visit else None,
        "campaign": visit.campaign if visit else None,
        "term": visit.term if visit else None,
        "content": visit.content if visit else None,
        "landing": visit.landing if visit else None,
        "page": lease.page_url if lease and consented else None,
        "referrer": visit.referrer if visit else None,
        "clients": visit.clients if visit else {},
    }


def _by_id(session: Session, model: type[Row], ids: Iterable[str | None]) -> dict[str, Row]:
    wanted = {id_ for id_ in ids if id_}
    if not wanted:
        return {}
    column = model.__table__.c.id
    return {str(row.id): row for row in session.scalars(select(model).where(column.in_(wanted)))}  # type: ignore[attr-defined]
