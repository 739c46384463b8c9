"""Events of a call come twice, late, in any order and between questions: the call and its one lead end up the same."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from callease.leads.models import Contact, Lead
from callease.numbers.models import Lease
from callease.telephony.models import Call, CallEventRow
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.people import Telephone, new_call_id, rfc3339

NOW = datetime.now(UTC).replace(microsecond=0)
_fresh = count(1)
share = settings(
    max_examples=settings.default.max_examples // 3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Message:
    """What the provider sends of a call, `after` seconds from its beginning: an event, or the question (type None)."""

    type: str | None
    after: int
    fields: tuple[tuple[str, Any], ...] = ()


@st.composite
def stories(draw: st.DrawFn) -> tuple[Message, ...]:
    """All that a provider has to say of one call, in the order in which it happened."""
    wait = draw(st.integers(0, 40))
    rings = [Message("ringing", 0)] if draw(st.booleans()) else []
    asks = [Message(None, draw(st.integers(0, 2)))] if draw(st.booleans()) else []
    if not draw(st.booleans()):
        disposition = draw(st.sampled_from(["missed", "busy", "failed", "voicemail", None]))
        ended = Message("ended", wait, (("disposition", disposition), ("wait", wait), ("talk", 0), ("duration", wait)))
        return (*rings, *asks, ended)
    talk = draw(st.integers(1, 300))
    answered = Message("answered", wait, (("wait", wait), ("answered_by", "+77172111111")))
    stated = (("disposition", "answered"), ("wait", wait), ("talk", talk), ("duration", wait + talk))
    ended = Message("ended", wait + talk, stated if draw(st.booleans()) else stated[:1])
    recorded = Message("recorded", wait + talk + 30, (("recording_url", "https://pbx.bosaga.kz/r/1.mp3"),))
    return (*rings, *asks, answered, ended, *([recorded] if draw(st.booleans()) else []))


@st.composite
def tellings(draw: st.DrawFn) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """A story, and the same with repetitions in another order."""
    story = draw(stories())
    repeated = story + tuple(draw(st.lists(st.sampled_from(story), max_size=4)))
    return story, tuple(draw(st.permutations(repeated)))


@on_both_databases
@share
@given(telling=tellings(), hidden=st.booleans(), leased=st.booleans())
def test_a_single_call(
    cast: Cast, parts: Services, telling: tuple[tuple[Message, ...], ...], hidden: bool, leased: bool
) -> None:
    """Each telling gets a number, a caller and a lease of its own, which differ in nothing else."""
    ends = []
    for messages in telling:
        e164, caller = _new_number(cast, parts, leased), None if hidden else _new_caller()
        call = new_call_id()
        for message in messages:
            _tell(cast, parts, message, call, e164, caller, NOW)
        ends.append(_end_of(parts, call))
    assert ends[0] == ends[1]


@on_both_databases
@share
@given(data=st.data(), first=tellings(), second=tellings())
def test_two_calls_of_a_caller(
    cast: Cast, parts: Services, data: st.DataObject, first: tuple[Any, Any], second: tuple[Any, Any]
) -> None:
    """The second one an hour after the first. Once an event of the first is there, all may be mixed as it likes."""
    ends = []
    for index in range(2):
        e164, caller = _new_number(cast, parts, leased=True), _new_caller()
        calls = new_call_id(), new_call_id()
        told = [(calls[0], message, NOW) for message in first[index]]
        told += [(calls[1], message, NOW + timedelta(hours=1)) for message in second[index]]
        if index:
            heard = next(one for one in told if one[1].type)
            told.remove(heard)
            told = [heard, *data.draw(st.permutations(told))]
        for call, message, began in told:
            _tell(cast, parts, message, call, e164, caller, began)
        ends.append([_end_of(parts, call) for call in calls])
    assert ends[0] == ends[1]
    assert [end["method"] for end in ends[0]] == ["lease", "caller"]
    assert [end["first_time"] for end in ends[0]] == [True, False]


def _new_number(cast: Cast, parts: Services, leased: bool) -> str:
    """A number of its own office, shown to a visitor a minute before the call."""
    office = cast.api.post("/offices", {"advertiser": cast.alatau["id"], "name": "Any order"})["id"]
    e164 = f"+7999{next(_fresh):07d}"
    number = cast.api.post("/numbers", {"e164": e164, "office": office, "source_class": "organic"})
    if leased:
        at = NOW - timedelta(minutes=1)
        lease = Lease(
            id=f"lse_{number['id']}",
            number_id=number["id"],
            office_id=office,
            site_id=cast.site["id"],
            subject=number["id"],
            visitor=number["id"],
            source_class="paid_search",
            kind="dynamic",
            borrowed=True,
            consented=True,
            weight=1.0,
            leased_at=at,
            expires_at=at + timedelta(minutes=30),
        )
        with parts.database.transaction() as session:
            session.add(lease)
    return e164


def _new_caller() -> str:
    return f"+7701{next(_fresh):07d}"


def _tell(
    cast: Cast, parts: Services, message: Message, call: str, e164: str, caller: str | None, began: datetime
) -> None:
    # Signed by the clock that stands still: thousands of examples take longer than a signature is good for.
    telephone = Telephone(cast.transport, cast.account, lambda: parts.clock.now().timestamp())
    at = rfc3339(began + timedelta(seconds=message.after))
    if message.type is None:
        answer = telephone.route(call, e164, caller, at=at)
    else:
        answer = telephone.event(message.type, call, e164, caller, at=at, **dict(message.fields))
    assert answer.status == 200, answer.body


def _end_of(parts: Services, provider_call_id: str) -> dict[str, Any]:
    """All that is kept of a call and of what it made, without what names this very call."""
    with parts.database.reading() as session:
        call = session.scalars(select(Call).where(Call.provider_call_id == provider_call_id)).one()
        lead = session.scalars(select(Lead).where(Lead.call_id == call.id)).one()
        contact = session.get(Contact, lead.contact_id) if lead.contact_id else None
        events = session.scalars(select(CallEventRow).where(CallEventRow.call_id == call.id)).all()
        facts = {
            name: getattr(call, name)
            for name in (
                *("routed_at", "started_at", "answered_at", "ended_at", "wait", "talk", "duration"),
                *("disposition", "destination", "recording_url", "method", "source_class"),
                *("office_confidence", "source_confidence", "session_confidence"),
            )
        }
        return facts | {
            "caller": call.caller is not None and contact is not None and call.caller == contact.phone,
            "hidden": (call.caller, contact) == (None, None),
            "hash": (call.caller_hash is None) == (call.caller is None),
            "lease": call.lease_id is not None,
            "office": lead.office_id == call.office_id,
            "advertiser": (call.advertiser_id, lead.advertiser_id),
            "candidates": [{k: v for k, v in each.items() if k != "lease"} for each in call.candidates],
            "evidence": [(step["key"], _without_ids(step["values"])) for step in call.evidence],
            "seen": sorted(call.events_seen),
            "events": len(events),
            "first_time": lead.first_time,
            "lead": (lead.kind, lead.status, lead.tags),
        }


def _without_ids(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "office"}
