"""Whose a call is when its number has changed hands, and what may be said of it to that office."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from callease.attribution.evidence import CalledNumber, resolve_call
from callease.attribution.models import CallerMemory
from callease.attribution.resolver import Resolution, Step
from callease.catalog.models import Office
from callease.numbers.models import Number
from callease.telephony.models import Call
from callease.telephony.routing import NumberFacts


def resolve_owned(session: Session, call: Call, number: NumberFacts) -> Resolution:
    """What can be said of the call to the office that it belongs to: the number's owner, or a former one.

    A caller who rang before the present owner got the number belongs to whom he rang then, at every later call too, and
    so does a call that began before, however late it is heard of; unless that office was retired by then. A valid code
    comes before all of that: the call belongs to whom the code leads to.
    """
    former_id = _former_office(session, call, number)
    # The class of the number is the present owner's.
    office_id, source_class = (former_id, None) if former_id else (number.office_id, number.source_class)
    takes_codes = number.role == "extension" and former_id is None
    called = CalledNumber(number.id, office_id, source_class, number.owner_since, takes_codes)
    resolution = resolve_call(session, call.id, called, call.caller_hash, call.digits, call.started_at)
    if number.role == "extension" and call.digits is None:
        resolution = replace(resolution, steps=(Step("extension_missing"), *resolution.steps))
    if resolution.office_id != former_id or resolution.method == "extension":
        return resolution
    others = (step for step in resolution.steps if step.key != "number_owner")
    return replace(resolution, steps=(Step("moved_number", {"office": former_id}), *others))


def _former_office(session: Session, call: Call, number: NumberFacts) -> str | None:
    """None when the call is the present owner's."""
    rang_before = None
    if call.caller_hash:
        rang_before = session.scalar(
            select(CallerMemory.office_id)
            .where(CallerMemory.number_id == number.id, CallerMemory.caller_hash == call.caller_hash)
            .where(CallerMemory.at < min(number.owner_since, call.started_at), CallerMemory.call_id != call.id)
            .order_by(CallerMemory.at.desc(), CallerMemory.call_id)
            .limit(1)
        )
    previous = None
    if call.started_at < number.owner_since:
        previous = session.scalar(select(Number.previous_office_id).where(Number.id == number.id))
    for office_id in (rang_before, previous):
        if office_id == number.office_id:
            return None
        if office_id and _answered(session, office_id, call):
            return office_id
    return None


def _answered(session: Session, office_id: str, call: Call) -> bool:
    """Whether the office was there when the call came: asked later, the answer is the same."""
    there = or_(Office.retired_at.is_(None), Office.retired_at > call.started_at)
    return session.scalar(select(Office.id).where(Office.id == office_id, there)) is not None
