"""A fact and its announcement are one: both are kept or neither is."""

from collections import Counter

import pytest
from sqlalchemy import func, select

from callease.base.outbox import OutboxEvent
from callease.leads import leads
from callease.leads.models import Contact, Lead
from callease.telephony.models import Call, RawMessage
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.people import new_call_id

pytestmark = on_both_databases

_KEPT = (Lead, Contact, Call, OutboxEvent)


def _counts(parts: Services) -> list[int]:
    with parts.database.reading() as session:
        return [session.scalar(select(func.count()).select_from(model)) or 0 for model in _KEPT]


def test_a_lead_comes_with_its_announcements(cast: Cast, parts: Services) -> None:
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    with parts.database.reading() as session:
        lead = session.scalars(select(Lead)).one()
        events = session.scalars(select(OutboxEvent)).all()
    assert Counter(event.type for event in events) == {
        "call.ringing": 1,
        "lead.created": 1,
        "call.ended": 1,
        "lead.updated": 1,
    }
    assert {event.subject_id for event in events} == {lead.id}
    assert {event.advertiser_id for event in events} == {cast.alatau["id"]}
    assert all(event.payload["data"]["lead"] == lead.id for event in events)


def test_what_fails_after_the_lead_leaves_nothing_but_the_message(
    cast: Cast, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The announcing breaks once; the provider is answered, and the message is taken up again later."""
    announce = leads.announce

    def breaks(*_: object) -> None:
        raise RuntimeError("no more paper")

    monkeypatch.setattr(leads, "announce", breaks)
    answer = cast.telephone.event("ringing", new_call_id(), cast.alatau_sales.numbers[0][1])
    assert (answer.status, answer.json) == (200, {"call": None})
    assert _counts(parts) == [0, 0, 0, 0]
    with parts.database.reading() as session:
        assert session.scalars(select(RawMessage.state)).all() == ["received"]

    monkeypatch.setattr(leads, "announce", announce)
    with parts.database.transaction() as session:
        session.scalars(select(RawMessage)).one().due_at = parts.clock.now()
    assert parts.intake.retry_due() == 1
    assert _counts(parts) == [1, 1, 1, 2]


def test_an_action_and_its_announcement_are_one(cast: Cast, parts: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.telephone.event("ringing", new_call_id(), cast.alatau_sales.numbers[0][1])
    (lead,) = cast.api.all("/leads")

    def breaks(*_: object) -> None:
        raise RuntimeError("no more paper")

    with monkeypatch.context() as broken:
        broken.setattr(leads, "announce", breaks)
        assert cast.api.ask("POST", f"/leads/{lead['id']}/claim").status == 500
    assert cast.api.get(f"/leads/{lead['id']}")["status"] == "new"
    cast.api.post(f"/leads/{lead['id']}/claim", expected=200)
    with parts.database.reading() as session:
        told = session.scalars(select(OutboxEvent).where(OutboxEvent.type == "lead.updated")).one()
    assert told.payload["data"]["status"] == "claimed"
