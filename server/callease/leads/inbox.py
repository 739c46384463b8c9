"""What an office sees of its leads: a page of the list with its counts, and one lead with everything behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from callease.base.errors import NotFound
from callease.catalog.models import Advertiser, Listing, Office
from callease.leads.models import Contact, Lead, LeadChange
from callease.leads.states import LeadStatus, actions_from
from callease.leads.view import lead_data
from callease.telephony.models import Call
from callease.tenancy.wall import Principal

PAGE = 25
_EARLIER_CALLS = 10
# Longer than any call: one whose end was never reported is not live for ever.
_LIVE_AT_MOST = timedelta(hours=4)
_DIGITS_TO_SEARCH = 4


@dataclass(frozen=True)
class Filters:
    """Empty text: not narrowed. `q` finds phones by their digits, people, listings and complexes."""

    status: str = ""
    office: str = ""
    q: str = ""


@dataclass(frozen=True)
class InboxPage:
    leads: list[dict[str, Any]]
    counts: dict[str, int]
    next_cursor: str | None


@dataclass(frozen=True)
class LeadCard:
    lead: dict[str, Any]
    evidence: list[dict[str, Any]]
    history: list[LeadChange]
    actions: list[str]
    earlier: list[dict[str, Any]]


def inbox_version(session: Session, who: Principal, now: datetime) -> str:
    """Another one whenever a lead that `who` may see has changed, for a look-up in an index; and once an hour, since a
    call whose end was never reported stops being shown as under way."""
    newest = session.scalar(_visible(who, select(func.max(Lead.updated_at))))
    return f"{newest.isoformat() if newest else 'none'}-{now:%d%H}"


def inbox(session: Session, who: Principal, filters: Filters, cursor: str | None, now: datetime) -> InboxPage:
    """One page, newest first; `cursor` is the id of the last lead of the page before, an unknown one starts anew."""
    narrowed = _narrowed(_visible(who, select(Lead)), filters)
    query = narrowed.where(Lead.status == filters.status) if filters.status else narrowed
    last = session.scalar(_visible(who, select(Lead)).where(Lead.id == cursor)) if cursor else None
    if last:
        query = query.where(tuple_(Lead.created_at, Lead.id) < tuple_(literal(last.created_at), literal(last.id)))
    rows = session.scalars(query.order_by(Lead.created_at.desc(), Lead.id.desc()).limit(PAGE + 1)).all()
    counts = dict.fromkeys((status.value for status in LeadStatus), 0)
    grouped = narrowed.with_only_columns(Lead.status, func.count().label("count")).group_by(Lead.status)
    counts |= {row.status: row.count for row in session.execute(grouped)}
    return InboxPage(_shown(session, rows[:PAGE], now), counts, rows[PAGE - 1].id if len(rows) > PAGE else None)


def lead_card(session: Session, who: Principal, lead_id: str, now: datetime) -> LeadCard:
    """Raises NotFound for a lead that is not there, or not for `who`."""
    lead = find_lead(session, who, lead_id)
    call = session.get(Call, lead.call_id) if lead.call_id else None
    history = session.scalars(
        select(LeadChange).where(LeadChange.lead_id == lead.id).order_by(LeadChange.at, LeadChange.id)
    ).all()
    return LeadCard(
        lead=_shown(session, [lead], now)[0],
        evidence=_evidence(session, call) if call else [],
        history=list(history),
        actions=list(actions_from(LeadStatus(lead.status))),
        earlier=_earlier(session, lead),
    )


def find_lead(session: Session, who: Principal, lead_id: str) -> Lead:
    lead: Lead | None = session.scalar(_visible(who, select(Lead)).where(Lead.id == lead_id))
    if lead is None:
        raise NotFound()
    return lead


def offices_of(session: Session, who: Principal) -> Sequence[Office]:
    query = who.within(select(Office), Office.advertiser_id).where(Office.retired_at.is_(None))
    return session.scalars(query.order_by(Office.name, Office.id)).all()


def _visible(who: Principal, query: Select[Any]) -> Select[Any]:
    return who.within(query, Lead.advertiser_id)


def _narrowed(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.office:
        query = query.where(Lead.office_id == filters.office)
    if not filters.q.strip():
        return query
    words = f"%{_escaped(filters.q.strip())}%"
    found: list[ColumnElement[bool]] = [Contact.name.ilike(words, escape="\\"), Listing.title.ilike(words, escape="\\")]
    found += [Listing.complex.ilike(words, escape="\\"), Listing.external_id == filters.q.strip()]
    digits = re.sub(r"\D", "", filters.q)
    if len(digits) >= _DIGITS_TO_SEARCH:
        # People write the trunk prefix 8 where E.164 has the country code.
        bare = digits[1:] if len(digits) == 11 and digits[0] == "8" else digits
        found.append(Contact.phone.like(f"%{bare}%"))
    return (
        query.outerjoin(Contact, Contact.id == Lead.contact_id)
        .outerjoin(Call, Call.id == Lead.call_id)
        .outerjoin(Listing, Listing.id == Call.listing_id)
        .where(or_(*found))
    )


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _shown(session: Session, leads: Sequence[Lead], now: datetime) -> list[dict[str, Any]]:
    """Leads as events have them, with names instead of ids and times as times."""
    offices = dict(_names(session, Office, {lead.office_id for lead in leads}))
    advertisers = dict(_names(session, Advertiser, {lead.advertiser_id for lead in leads if lead.advertiser_id}))
    calls = {call.id: call for call in session.scalars(select(Call).where(Call.id.in_({x.call_id for x in leads})))}
    shown = []
    for lead, data in zip(leads, lead_data(session, leads), strict=True):
        call = calls.get(lead.call_id or "")
        shown.append(
            {
                **data,
                "id": lead.id,
                "created_at": lead.created_at,
                "advertiser_name": advertisers.get(lead.advertiser_id or ""),
                "office_name": offices.get(lead.office_id),
                "claimed_by": lead.claimed_by,
                "live": call is not None and call.ended_at is None and now - call.started_at < _LIVE_AT_MOST,
                "call": {**data["call"], **_times(call)} if call else None,
            }
        )
    return shown


def _times(call: Call) -> dict[str, Any]:
    return {"started_at": call.started_at, "answered_at": call.answered_at, "ended_at": call.ended_at}


def _evidence(session: Session, call: Call) -> list[dict[str, Any]]:
    """The resolver's steps, offices by name; the called number stands beside its owner."""
    ids = {step["values"]["office"] for step in call.evidence if "office" in step["values"]}
    offices = dict(_names(session, Office, ids))
    steps = []
    for step in call.evidence:
        values = dict(step["values"])
        if "office" in values:
            values["office"] = offices.get(values["office"], values["office"])
        if step["key"] == "number_owner":
            values["number"] = call.tracking_number
        steps.append({"key": step["key"], "values": values})
    return steps


def _earlier(session: Session, lead: Lead) -> list[dict[str, Any]]:
    if lead.contact_id is None:
        return []
    query = (
        select(Call.started_at, Call.disposition, Call.talk, Listing.title)
        .join(Lead, Lead.call_id == Call.id)
        .outerjoin(Listing, Listing.id == Call.listing_id)
        .where(Lead.contact_id == lead.contact_id, Lead.id < lead.id)
        .order_by(Call.started_at.desc())
        .limit(_EARLIER_CALLS)
    )
    names = ("started_at", "disposition", "talk", "listing_title")
    return [dict(zip(names, row, strict=True)) for row in session.execute(query)]


def _names(session: Session, model: Any, ids: set[str]) -> list[tuple[str, str]]:
    return list(session.execute(select(model.id, model.name).where(model.id.in_(ids)))) if ids else []
