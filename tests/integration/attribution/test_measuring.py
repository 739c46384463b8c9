"""A site in measure mode counts, by the hour, what would have taken a number; nobody is kept waiting for it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Connection

from callease.attribution.measuring import Measuring
from callease.attribution.models import MeasuredReveals, MeasuredVisits
from callease.attribution.visits import PageView, VisitLookup
from callease.base.clock import SetClock
from callease.base.errors import Unavailable
from callease.numbers.models import Lease
from callease.web.services import Services
from callease.worker import Worker
from tests.factories import Cast
from tests.support.databases import on_both_databases

pytestmark = on_both_databases
SEARCH = {"class": "paid_search"}
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture(autouse=True)
def measuring(cast: Cast) -> None:
    cast.api.patch(f"/sites/{cast.site['id']}", {"mode": "measure"})


@pytest.fixture(autouse=True)
def noon(clock: SetClock) -> datetime:
    at = clock.now().replace(hour=12, minute=10)
    clock.set(at)
    return at.replace(minute=0, second=0, microsecond=0)


def _reveals(parts: Services) -> dict[tuple[str, str, datetime], int]:
    parts.measuring.flush()
    with parts.database.reading() as session:
        rows = session.scalars(select(MeasuredReveals)).all()
        assert not session.scalar(select(Lease.id)), "measure mode gave a number"
    return {(row.office_id, row.source_class, row.hour_at): row.count for row in rows}


def _visits(parts: Services) -> dict[tuple[str, datetime], int]:
    parts.measuring.flush()
    with parts.database.reading() as session:
        return {(row.source_class, row.hour_at): row.count for row in session.scalars(select(MeasuredVisits))}


def test_reveals_are_counted_by_office_class_and_hour(
    cast: Cast, parts: Services, clock: SetClock, noon: datetime
) -> None:
    page = cast.page()
    for n in range(3):
        page.reveal("ZHK-1001", visitor=f"v{n}", source=SEARCH)
    page.reveal("ZHK-1002", visitor="v0", source=SEARCH)
    page.reveal("ZHK-1003", visitor="v0", source={"class": "organic"})
    clock.advance(3_600)
    answer = page.reveal("ZHK-1001", visitor="v7", source=SEARCH)
    assert (answer.json["kind"], answer.headers["Callease-Reason"]) == ("fallback", "measure")
    sales, riverside = cast.office_of["ZHK-1001"].id, cast.office_of["ZHK-1003"].id
    later = noon + timedelta(hours=1)
    counted = {
        (sales, "paid_search", noon): 4,
        (riverside, "organic", noon): 1,
        (sales, "paid_search", later): 1,
    }
    assert _reveals(parts) == counted
    page.reveal("ZHK-1001", visitor="v8", source=SEARCH)
    assert _reveals(parts) == counted | {(sales, "paid_search", later): 2}


def test_the_class_is_that_of_the_visit(cast: Cast, parts: Services, noon: datetime) -> None:
    page = cast.page()
    page.visit(visitor="v1", source=SEARCH)
    page.reveal("ZHK-1001", visitor="v1", referrer="https://bosaga.kz/")
    assert _reveals(parts) == {(cast.office_of["ZHK-1001"].id, "paid_search", noon): 1}
    assert _visits(parts) == {("paid_search", noon): 1}


def test_a_visit_is_counted_once(cast: Cast, parts: Services, noon: datetime) -> None:
    page = cast.page()
    for visitor in ("v1", "v1", "v2"):
        page.visit(visitor=visitor, source=SEARCH)
    assert _visits(parts) == {("paid_search", noon): 2}


def test_who_asks_again_is_counted_once(cast: Cast, parts: Services, noon: datetime) -> None:
    for _ in range(3):
        cast.page().reveal("ZHK-1001", visitor="v1", source=SEARCH)
    assert _reveals(parts) == {(cast.office_of["ZHK-1001"].id, "paid_search", noon): 1}


def test_any_process_may_be_asked_again(cast: Cast, parts: Services, noon: datetime) -> None:
    """Several processes count into one table, and know of each other's visitors."""
    site, listing = parts.catalog.site(cast.site["key"]), "lst_1"
    assert site
    office = cast.office_of["ZHK-1001"].id
    others = [Measuring(parts.database, parts.redis, VisitLookup(parts.database)) for _ in range(2)]
    for each in others:
        for visitor in ("v1", "v2"):
            each.reveal(site, office, listing, _view(cast, visitor), noon)
        each.flush()
    others[0].reveal(site, office, listing, _view(cast, "v3"), noon)
    others[0].flush()
    assert _reveals(parts) == {(office, "paid_search", noon): 3}


def _view(cast: Cast, visitor: str) -> PageView:
    return PageView(cast.site["id"], [], visitor, None, stated=SEARCH)


@pytest.mark.parametrize("excluded", ["127.0.0.1", "127.0.0.0/8"])
def test_the_portal_s_own_people_do_not_count(cast: Cast, parts: Services, noon: datetime, excluded: str) -> None:
    cast.api.patch(f"/sites/{cast.site['id']}", {"excluded_ips": ["10.0.0.0/8", excluded]})
    cast.page().visit(visitor="v1", source=SEARCH)
    answer = cast.page().reveal("ZHK-1001", visitor="v1", source=SEARCH)
    assert answer.headers["Callease-Reason"] == "measure"
    assert (_reveals(parts), _visits(parts)) == ({}, {})


def test_bots_do_not_count(cast: Cast, parts: Services) -> None:
    for path, more in (("visits", {}), ("leases", {"listing": "ZHK-1001"})):
        body = {"site": cast.site["key"], "visitor": "v1", **more}
        headers = {"Content-Type": "text/plain", "User-Agent": ROBOT}
        assert cast.transport("POST", f"/c/v1/{path}", headers, json.dumps(body).encode()).status == 200
    assert (_reveals(parts), _visits(parts)) == ({}, {})


def test_listings_without_an_office_or_off_the_market_do_not_count(cast: Cast, parts: Services) -> None:
    nobody = cast.api.post("/advertisers", {"name": "Nobody", "plan": "free"})
    office = cast.api.get(f"/offices?advertiser={nobody['id']}")["data"][0]
    listing = {"site": cast.site["id"], "advertiser": nobody["id"], "title": "x", "url": "https://bosaga.kz/x"}
    cast.api.post("/listings", {**listing, "external_id": "ALONE"})
    cast.api.delete(f"/offices/{office['id']}")
    paused = cast.api.get("/listings?external_id=ZHK-1002")["data"][0]
    cast.api.patch(f"/listings/{paused['id']}", {"status": "paused"})
    for listing_id in ("ALONE", "ZHK-1002"):
        answer = cast.page().reveal(listing_id, visitor="v1", source=SEARCH)
        assert (answer.status, answer.headers["Callease-Reason"]) == (200, "measure")
    assert _reveals(parts) == {}


def test_what_cannot_be_written_is_kept_and_harms_nobody(
    cast: Cast, parts: Services, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Connection:
        raise Unavailable("database")

    with monkeypatch.context() as broken:
        broken.setattr(type(parts.database), "transaction", gone)
        answer = cast.page().reveal("ZHK-1001", visitor="v1", source=SEARCH)
        assert (answer.status, answer.headers["Callease-Reason"]) == (200, "measure")
        with pytest.raises(Unavailable):
            parts.measuring.flush()
    assert _reveals(parts) == {(cast.office_of["ZHK-1001"].id, "paid_search", noon): 1}


def test_without_redis_everybody_counts(
    cast: Cast, parts: Services, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Any:
        raise Unavailable("redis")

    monkeypatch.setattr(parts.redis, "call", gone)
    for visitor in ("v1", "v1", "v2"):
        cast.page().reveal("ZHK-1001", visitor=visitor, source=SEARCH)
    assert _reveals(parts) == {(cast.office_of["ZHK-1001"].id, "paid_search", noon): 3}


def test_a_live_site_counts_nothing(cast: Cast, parts: Services) -> None:
    cast.api.patch(f"/sites/{cast.site['id']}", {"mode": "live"})
    cast.page().visit(visitor="v1", source=SEARCH)
    assert cast.page().reveal("ZHK-1001", visitor="v1", source=SEARCH).json["kind"] == "dynamic"
    parts.measuring.flush()
    with parts.database.reading() as session:
        assert not session.scalars(select(MeasuredReveals)).all()
        assert not session.scalars(select(MeasuredVisits)).all()


def test_counts_are_kept_for_a_year(cast: Cast, parts: Services, clock: SetClock, noon: datetime) -> None:
    cast.page().visit(visitor="v1", source=SEARCH)
    cast.page().reveal("ZHK-1001", visitor="v1", source=SEARCH)
    clock.advance(399 * 86_400)
    cast.page().visit(visitor="v2", source=SEARCH)
    cast.page().reveal("ZHK-1001", visitor="v2", source=SEARCH)
    Worker(parts).tidy()
    assert (len(_reveals(parts)), len(_visits(parts))) == (2, 2)
    clock.advance(2 * 86_400)
    Worker(parts).tidy()
    assert (len(_reveals(parts)), len(_visits(parts))) == (1, 1)
