"""The answer to "where does this call go?": from the database with all that is known, from the snapshot without."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.attribution.models import Visit
from callease.base.clock import Clock
from callease.base.errors import NotFound
from callease.base.secrets import SecretBox
from callease.catalog.models import Listing, Site
from callease.numbers.models import Lease
from callease.telephony.calls import call_id, take_question
from callease.telephony.directory import Owner, find_office
from callease.telephony.models import Call
from callease.telephony.providers.protocol import Collect, RouteAnswer, RouteQuestion
from callease.telephony.routing import prompt_for_code, ring, whisper
from callease.telephony.snapshot import Snapshot


def answer_question(
    session: Session, clock: Clock, box: SecretBox, account_id: str, question: RouteQuestion
) -> RouteAnswer:
    """Raises NotFound("unknown_number"). A provider that asks twice is told the same."""
    call, owner = take_question(session, clock, box, account_id, question)
    if call.office_id != owner.office.id:
        office, overflow = find_office(session, call.office_id)
        owner = replace(owner, office=office, overflow=overflow)
    return replace(
        _routed(call.id, owner, clock.now()),
        listing=_listing_external_id(session, call),
        lease=call.lease_id,
        confidence={
            "office": call.office_confidence,
            "source": call.source_confidence,
            "session": call.session_confidence,
        },
        whisper=_whisper(session, call),
        collect=_collect(session, call, owner.number.role, question.collected),
    )


def answer_from_snapshot(snapshot: Snapshot, account_id: str, question: RouteQuestion, now: datetime) -> RouteAnswer:
    """The owner, with certainty, and nothing about source or session. Raises NotFound, Unavailable."""
    owner = snapshot.owner(question.dialled)
    if owner is None:
        raise NotFound("unknown_number")
    return _routed(call_id(account_id, question.provider_call_id), owner, now)


def _routed(id_: str, owner: Owner, now: datetime) -> RouteAnswer:
    rung = ring(owner.office, owner.overflow, owner.call_centre, now)
    return RouteAnswer(
        call=id_,
        advertiser=owner.office.advertiser_id,
        office=owner.office.id,
        destinations=rung.destinations,
    )


def _listing_external_id(session: Session, call: Call) -> str | None:
    listing = session.get(Listing, call.listing_id) if call.listing_id else None
    return listing.external_id if listing else None


def _collect(session: Session, call: Call, role: str, collected: bool) -> Collect | None:
    """Asked for once, at a number with codes: who dialled a wrong one reaches the owner."""
    if role != "extension" or call.digits or collected:
        return None
    first = select(Site.locale).where(Site.retired_at.is_(None)).order_by(Site.created_at, Site.id).limit(1)
    locale = session.scalar(first) or "en"
    return Collect(prompt_for_code(locale), locale)


def _whisper(session: Session, call: Call) -> str:
    site = session.get(Site, call.site_id) if call.site_id else None
    if site is None:
        return ""
    listing = session.get(Listing, call.listing_id) if call.listing_id else None
    lease = session.get(Lease, call.lease_id) if call.lease_id else None
    visit = session.get(Visit, lease.visit_id) if lease and lease.visit_id and lease.consented else None
    return whisper(site.locale, site.name, listing.title if listing else None, visit.source if visit else None)
