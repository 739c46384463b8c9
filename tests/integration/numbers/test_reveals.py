"""Reveals as pages ask for them: whose lease it is, what is durable, what is answered when there is none to give."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from callease.attribution import reveals
from callease.attribution.models import LeaseEvent
from callease.base.clock import SetClock, parse_rfc3339
from callease.numbers.models import Lease
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases

A_VISITOR_S_LEASES_AN_HOUR = 60


@on_both_databases
def test_a_reveal_is_in_the_log_before_it_is_answered(cast: Cast, parts: Services) -> None:
    revealed = (
        cast.page().reveal("ZHK-1001", visitor="v1", session="s1", url="https://bosaga.kz/ZHK-1001?gclid=g1").json
    )
    with parts.database.reading() as session:
        row = session.get_one(Lease, revealed["lease"])
    assert (row.visitor, row.session, row.office_id) == ("v1", "s1", cast.alatau_sales.id)
    assert (row.source_class, row.kind, row.borrowed) == ("paid_search", "dynamic", False)
    assert revealed["number"] in {e164 for name, e164 in cast.alatau_sales.numbers if name == "paid_search"}
    assert parse_rfc3339(revealed["expires_at"]) == row.expires_at
    assert row.expires_at - row.leased_at == timedelta(minutes=30)


def test_a_visitor_asks_again_and_keeps_the_number(cast: Cast) -> None:
    page = cast.page()
    first = page.reveal("ZHK-1001", visitor="v1", session="s1").json
    assert page.tell(first["lease"], "heartbeat").status == 204
    # In another session, from another source: the visitor is who counts.
    again = page.reveal("ZHK-1001", visitor="v1", session="s2", url="https://bosaga.kz/ZHK-1001?gclid=g1").json
    assert {name: again[name] for name in ("lease", "number", "expires_at", "kind")} == {
        name: first[name] for name in ("lease", "number", "expires_at", "kind")
    }
    assert page.reveal("ZHK-1002", visitor="v1", session="s1").json["lease"] != first["lease"]


def test_without_a_visitor_the_session_counts_and_with_neither_nothing(cast: Cast) -> None:
    page = cast.page()
    by_session = [page.reveal("ZHK-1001", session="s1").json["lease"] for _ in range(2)]
    by_another = page.reveal("ZHK-1001", session="s2").json["lease"]
    by_nobody = [page.reveal("ZHK-1001").json["lease"] for _ in range(2)]
    assert by_session[0] == by_session[1]
    assert len({by_session[0], by_another, *by_nobody}) == 4


@on_both_databases
def test_a_lease_that_redis_gave_but_nobody_wrote_down_is_written_when_it_is_answered(
    cast: Cast, parts: Services, clock: SetClock
) -> None:
    """Redis took too long to answer: the visitor saw the real number, and the number was held all the same."""
    page = cast.page()
    lost = page.reveal("ZHK-1001", visitor="v1").json
    with parts.database.transaction() as session:
        session.execute(delete(Lease))
    clock.advance(60)
    answered = page.reveal("ZHK-1001", visitor="v1").json
    assert (answered["lease"], answered["number"]) == (lost["lease"], lost["number"])
    with parts.database.reading() as session:
        row = session.get_one(Lease, lost["lease"])
    assert parse_rfc3339(answered["expires_at"]) == row.expires_at


def test_asking_again_and_again_is_written_down_once_a_minute(
    cast: Cast, parts: Services, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a visitor saw the number last says something of a call; how often fills the log and says nothing."""
    monkeypatch.setattr(reveals, "_PERHAPS_UNWRITTEN", timedelta(0))
    page = cast.page()
    shown = page.reveal("ZHK-1001", visitor="v1").json
    for minute in range(1, 4):
        clock.advance(60)
        assert {page.reveal("ZHK-1001", visitor="v1").json["lease"] for _ in range(5)} == {shown["lease"]}
        with parts.database.reading() as session:
            events = session.scalars(select(LeaseEvent).order_by(LeaseEvent.at)).all()
        assert [(each.type, each.lease_id) for each in events] == [("again", shown["lease"])] * minute


def test_too_many_reveals(cast: Cast) -> None:
    listings = [f"MANY-{index}" for index in range(A_VISITOR_S_LEASES_AN_HOUR + 1)]
    rows = [
        {
            "site": cast.site["id"],
            "advertiser": cast.alatau["id"],
            "office": cast.alatau_sales.id,
            "external_id": external_id,
            "title": external_id,
            "phone": "+77017770000",
            "status": "active",
        }
        for external_id in listings
    ]
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    imported = cast.api.ask("POST", "/listing-imports", lines, {"Content-Type": "application/x-ndjson"})
    assert imported.json["created"] == len(rows), imported.body
    page = cast.page()
    *some, last = listings
    assert {page.reveal(each, visitor="v1").status for each in some} == {200}
    refused = page.reveal(last, visitor="v1")
    assert (refused.status, refused.json["code"], refused.json["fallback"]) == (
        429,
        "too_many_reveals",
        "+77017770000",
    )
    assert 0 < int(refused.headers["Retry-After"]) <= 3_600
    assert page.reveal(some[0], visitor="v1").status == 200, "what a visitor has already is not counted"
    assert page.reveal(last, visitor="v2").status == 200
    assert page.reveal("ZHK-2001", visitor="v1").status == 429, "a budget is of the whole site"
    assert page.reveal("ZHK-2001", visitor="v2").status == 200


def test_an_office_without_free_numbers_to_give(cast: Cast) -> None:
    office = cast.api.post("/offices", {"advertiser": cast.alatau["id"], "name": "No numbers"})["id"]
    body = {"site": cast.site["id"], "advertiser": cast.alatau["id"], "office": office, "title": "Bare"}
    cast.api.post("/listings", {**body, "external_id": "BARE", "phone": "+77018880000"})
    answer = cast.page().reveal("BARE", visitor="v1")
    assert (answer.json["kind"], answer.json["number"], answer.reason) == ("fallback", "+77018880000", "no_numbers")
    cast.api.post("/numbers", {"e164": "+77172698001", "office": office, "role": "static"})
    answer = cast.page().reveal("BARE", visitor="v1")
    assert (answer.json["kind"], answer.json["number"], answer.json["lease"]) == ("static", "+77172698001", None)


def test_a_number_made_a_moment_ago_is_leased(cast: Cast) -> None:
    page = cast.page()
    for index in range(3):
        page.reveal("ZHK-1003", visitor=f"v{index}")
    assert page.reveal("ZHK-1003", visitor="full").json["kind"] == "shared"
    made = cast.api.post("/numbers", {"e164": "+77172692999", "office": cast.alatau_riverside.id})
    revealed = page.reveal("ZHK-1003", visitor="new").json
    assert (revealed["number"], revealed["kind"]) == (made["e164"], "dynamic")
    cast.api.delete(f"/numbers/{made['id']}")
    assert page.reveal("ZHK-1003", visitor="new").json["number"] in cast.alatau_riverside.e164s
