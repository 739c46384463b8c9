"""Messages of one call that come at the same moment, and those that come before the call they belong to."""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select

from callease.base.clock import SetClock
from callease.base.outbox import OutboxEvent
from callease.leads.models import Contact, Lead
from callease.telephony.models import Call, CallEventRow, RawMessage
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.http import Answer, InProcess
from tests.support.people import Telephone, new_call_id, rfc3339

pytestmark = on_both_databases

THREADS = 20
AUTH_TOKEN = "twilio-auth-token-of-the-tests"
CALLER = "+77011234567"
LEG = {"CallSid": "CA2", "ParentCallSid": "CA1", "CallStatus": "in-progress", "To": "+77172111111", "From": CALLER}
DAY_SECONDS = 86_400


@pytest.fixture
def twilio(cast: Cast) -> dict[str, str]:
    credentials = {"account_sid": "AC" + "0" * 32, "auth_token": AUTH_TOKEN}
    account: dict[str, str] = cast.api.post(
        "/telephony-accounts", {"provider": "twilio", "name": "Twilio", "credentials": credentials}
    )
    return account


@pytest.fixture
def telephones(app: Flask, cast: Cast) -> list[Telephone]:
    """One for each thread."""
    return [Telephone(InProcess(app.test_client()), cast.account) for _ in range(THREADS)]


def test_the_same_event_twenty_times_at_once(cast: Cast, parts: Services, telephones: list[Telephone]) -> None:
    to, call, at = cast.alatau_sales.numbers[0][1], new_call_id(), rfc3339()
    answers = _at_once([lambda phone=phone: phone.event("ringing", call, to, at=at) for phone in telephones])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["call"] for answer in answers}) == 1, "each is told which call it was"
    with parts.database.reading() as session:
        assert session.scalar(select(func.count(Call.id))) == 1
        assert session.scalar(select(func.count(CallEventRow.id))) == 1
        assert session.scalar(select(func.count(Lead.id))) == 1
        assert Counter(session.scalars(select(OutboxEvent.type))) == {"lead.created": 1, "call.ringing": 1}
        assert Counter(session.scalars(select(RawMessage.state))) == {"taken": THREADS}


def test_all_events_and_the_question_at_once(cast: Cast, parts: Services, telephones: list[Telephone]) -> None:
    """A PBX asks where the call goes while its events are under way: nobody may hear an error."""
    to, at = cast.alatau_sales.numbers[0][1], rfc3339()
    for _ in range(5):
        call = new_call_id()
        asks: list[Callable[[], Answer]] = []
        for phone in telephones[:12:4]:
            asks.append(lambda phone=phone, call=call: phone.event("ringing", call, to, at=at))
        for phone in telephones[1:12:4]:
            asks.append(lambda phone=phone, call=call: phone.route(call, to, at=at))
        for phone in telephones[2:12:4]:
            asks.append(lambda phone=phone, call=call: phone.event("answered", call, to, at=at, wait=3))
        for phone in telephones[3:12:4]:
            asks.append(
                lambda phone=phone, call=call: phone.event("ended", call, to, at=at, disposition="answered", talk=9)
            )
        answers = _at_once(asks)
        assert {answer.status for answer in answers} == {200}, [answer.body for answer in answers]
        assert len({answer.json["call"] for answer in answers}) == 1
        with parts.database.reading() as session:
            made = session.scalars(select(Call).where(Call.provider_call_id == call)).one()
            assert session.scalars(select(Lead).where(Lead.call_id == made.id)).one()
            assert (made.disposition, made.talk, len(made.events_seen)) == ("answered", 9, 3)


def test_a_new_caller_rings_everywhere_at_once(cast: Cast, parts: Services, telephones: list[Telephone]) -> None:
    numbers = [e164 for _, e164 in (*cast.alatau_sales.numbers, *cast.alatau_riverside.numbers)]
    rings = [
        lambda phone=phone, to=to: phone.event("ringing", new_call_id(), to)
        for phone, to in zip(telephones, numbers, strict=False)
    ]
    assert {answer.status for answer in _at_once(rings)} == {200}
    with parts.database.reading() as session:
        assert session.scalars(select(Contact)).one().phone == CALLER
        assert Counter(session.scalars(select(Lead.first_time))) == {True: 1, False: len(numbers) - 1}


def test_a_leg_that_is_heard_of_before_its_call(
    cast: Cast, twilio: dict[str, str], parts: Services, clock: SetClock
) -> None:
    """Twilio's leg to the office names its parent only: what was dialled comes with the parent's own messages."""
    to = cast.alatau_sales.numbers[0][1]
    early = _twilio(cast, twilio["events_url"], LEG)
    assert (early.status, early.json["code"]) == (404, "unknown_call")
    parent = {"CallSid": "CA1", "CallStatus": "ringing", "To": to, "From": CALLER}
    routed = _twilio(cast, twilio["route_url"], parent)
    assert (routed.status, routed.headers["Content-Type"].split(";")[0]) == (200, "text/xml")
    done = {"CallSid": "CA1", "DialCallStatus": "completed", "DialCallDuration": "42", "To": to, "From": CALLER}
    assert _twilio(cast, twilio["events_url"], done).status == 200
    clock.advance(60)
    assert parts.intake.retry_due() == 1
    with parts.database.reading() as session:
        call = session.scalars(select(Call)).one()
        assert (call.destination, call.talk, call.disposition) == ("+77172111111", 42, "answered")
        assert session.scalar(select(func.count(Lead.id))) == 1
        assert set(session.scalars(select(RawMessage.state))) == {"taken"}


def test_a_leg_whose_call_never_comes_is_refused_in_the_end(
    cast: Cast, twilio: dict[str, str], parts: Services, clock: SetClock
) -> None:
    _twilio(cast, twilio["events_url"], LEG)
    turns = 0
    clock.advance(DAY_SECONDS)
    while parts.intake.retry_due():
        turns += 1
        clock.advance(DAY_SECONDS)
        assert turns < 50, "there is no end to it"
    assert turns > 5, "it was waited for"
    with parts.database.reading() as session:
        kept = session.scalars(select(RawMessage)).one()
        assert (kept.state, kept.problem) == ("refused", "unknown_call")
        assert session.scalar(select(func.count(Lead.id))) == 0


def test_a_number_that_nobody_knows_is_refused_and_kept(cast: Cast, parts: Services) -> None:
    unknown = cast.telephone.event("recorded", new_call_id(), "+77770000000")
    assert (unknown.status, unknown.json["code"]) == (404, "unknown_number")
    with parts.database.reading() as session:
        kept = session.scalars(select(RawMessage)).one()
    assert (kept.state, kept.problem) == ("refused", "unknown_number")


def _at_once(asks: list[Callable[[], Answer]]) -> list[Answer]:
    barrier = Barrier(len(asks))

    def ask(one: Callable[[], Answer]) -> Answer:
        barrier.wait(10)
        return one()

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(ask, asks))


def _twilio(cast: Cast, url: str, form: dict[str, str]) -> Answer:
    """A form post with X-Twilio-Signature, as Twilio's documentation makes it."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(AUTH_TOKEN.encode(), signed.encode(), hashlib.sha1)).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return cast.transport("POST", url, headers, urlencode(form).encode())
