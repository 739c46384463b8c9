"""Whose a call is when its number has changed hands: what the resolver says, held against earlier owners."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.attribution.models import CallerMemory
from callease.attribution.resolver import Resolution, Step
from callease.catalog.models import Office
from callease.numbers.models import Lease
from callease.telephony.models import Call
from callease.telephony.routing import NumberFacts

_BY_EXTENSION = "extension"
_ABOUT_THE_OFFICE = ("number_owner", "moved_number")


def settle_office(session: Session, call: Call, number: NumberFacts, resolution: Resolution) -> Resolution:
    """The resolution with the office that the call belongs to, and with leases of that office alone.

    A caller who rang before the present owner got the number belongs to whom he rang then, at every later call too, and
    so does a call that began before: unless that office is retired.
    """
    if resolution.method == _BY_EXTENSION:
        return resolution
    office_id = resolution.office_id
    if office_id == number.office_id:
        office_id = _former_office(session, call, number) or office_id
    if office_id != number.office_id and _is_retired(session, office_id):
        office_id = number.office_id
    if office_id != resolution.office_id:
        moved = Step("number_owner" if office_id == number.office_id else "moved_number", {"office": office_id})
        others = (step for step in resolution.steps if step.key not in _ABOUT_THE_OFFICE)
        resolution = replace(resolution, office_id=office_id, steps=(moved, *others))
    return _without_others_leases(session, resolution)


def _without_others_leases(session: Session, resolution: Resolution) -> Resolution:
    """What visitors of one office saw is not told to another one, whose number it was or will be."""
    office_id = resolution.office_id
    own = tuple((lease, p) for lease, p in resolution.candidates if lease.office_id == office_id)
    stated = session.get(Lease, resolution.lease_id) if resolution.lease_id else None
    best_is_own = own[:1] == resolution.candidates[:1] and (stated is None or stated.office_id == office_id)
    if best_is_own:
        return replace(resolution, candidates=own)
    steps = tuple(step for step in resolution.steps if step.key in _ABOUT_THE_OFFICE)
    return Resolution("owner", office_id, None, None, 1.0, 0.0, 0.0, candidates=(), steps=steps)


def _former_office(session: Session, call: Call, number: NumberFacts) -> str | None:
    if call.started_at < number.owner_since and call.office_id != number.office_id:
        return call.office_id  # it was opened under the former owner
    if call.caller_hash is None:
        return None
    return session.scalar(
        select(CallerMemory.office_id)
        .where(CallerMemory.number_id == number.id, CallerMemory.caller_hash == call.caller_hash)
        .where(CallerMemory.at < number.owner_since, CallerMemory.call_id != call.id)
        .order_by(CallerMemory.at.desc(), CallerMemory.call_id)
        .limit(1)
    )


def _is_retired(session: Session, office_id: str) -> bool:
    return session.scalar(select(Office.retired_at).where(Office.id == office_id)) is not None
