"""The database goes away under a running Callease: phones stay, calls reach their owners, no event is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from callease.base.errors import Unavailable
from callease.leads.models import Lead
from callease.telephony.models import Call, RawMessage
from callease.telephony.snapshot import SnapshotWriter
from callease.web.services import Services
from tests.factories import CALL_CENTRE_PHONE, Cast
from tests.support.databases import PostgresServer, on_both_databases
from tests.support.extensions import COMMON, extend
from tests.support.people import new_call_id, rfc3339
from tests.support.waiting import eventually

pytestmark = on_both_databases


class Outage:
    """Takes the database of `parts` away, and gives it back."""

    def __init__(self, parts: Services, backend: str, request: pytest.FixtureRequest) -> None:
        self._parts = parts
        self._postgres: PostgresServer | None = None
        if backend == "postgresql":
            self._postgres = request.getfixturevalue("postgres")
        else:
            self._file = Path(make_url(parts.settings.database_url).database or "")
        self._gone = False

    def begin(self) -> None:
        with self._parts.database.reading() as session:
            writer = SnapshotWriter(self._parts.settings.snapshot_path)
            writer.refresh(session)
            writer.close()
        self._gone = True
        if self._postgres:
            self._postgres.stop()
        else:
            self._parts.database.dispose()
            for path in self._files():
                path.rename(path.with_name(f"gone-{path.name}"))
        with pytest.raises(Unavailable):
            self._parts.database.check()

    def end(self) -> None:
        if not self._gone:
            return
        self._gone = False
        if self._postgres:
            self._postgres.start()
        else:
            for path in self._file.parent.glob("gone-*"):
                path.rename(path.with_name(path.name.removeprefix("gone-")))
        self._parts.database.check()

    def _files(self) -> list[Path]:
        return [path for path in self._file.parent.glob(f"{self._file.name}*") if path.is_file()]


@pytest.fixture
def outage(parts: Services, cast: Cast, backend: str, request: pytest.FixtureRequest) -> Iterator[Outage]:
    made = Outage(parts, backend, request)
    yield made
    made.end()


def test_every_call_is_routed_to_its_owner(cast: Cast, outage: Outage) -> None:
    before = {
        e164: cast.telephone.route(new_call_id(), e164).json for office in cast.offices for _, e164 in office.numbers
    }
    outage.begin()
    for office in cast.offices:
        rung = CALL_CENTRE_PHONE if office is cast.zhaina_sales else office.phone
        for _, e164 in office.numbers:
            routed = cast.telephone.route(new_call_id(), e164)
            assert routed.status == 200, routed.body
            assert (routed.json["office"], routed.json["advertiser"]) == (office.id, office.advertiser)
            assert routed.json["destinations"] == [{"to": rung, "timeout": 25}]
            assert routed.json["destinations"] == before[e164]["destinations"]
            assert routed.json["confidence"] == {"office": 1.0, "source": 0.0, "session": 0.0}
            assert routed.json.keys() == before[e164].keys()


def test_a_number_with_codes_rings_its_owner(cast: Cast, outage: Outage) -> None:
    extended = extend(cast)
    code = extended.reveal("v")["extension"]
    outage.begin()
    for digits in (code, "599", None):
        routed = cast.telephone.route(new_call_id(), COMMON, digits=digits).json
        assert (routed["office"], routed["lease"]) == (cast.call_centre.id, None)
        assert [each["to"] for each in routed["destinations"]] == [CALL_CENTRE_PHONE]
        assert "collect" not in routed, "there is nothing to look a code up in"
    outage.end()
    assert cast.telephone.route(new_call_id(), COMMON, digits=code).json["office"] == extended.office.id


def test_a_code_is_not_given_for_a_lease_that_could_not_be_written(cast: Cast, outage: Outage) -> None:
    extended = extend(cast)
    first = extended.reveal("v0")["extension"]
    outage.begin()
    assert extended.reveal("v1")["kind"] == "fallback"
    outage.end()
    assert extended.reveal("v0")["extension"] == first
    assert extended.reveal("v1")["extension"] != first


def test_a_route_question_may_come_by_get_and_with_a_token(cast: Cast, outage: Outage) -> None:
    outage.begin()
    to = cast.alatau_sales.numbers[0][1]
    query = urlencode({"call_id": "c1", "at": rfc3339(), "from": "+77011234567", "to": to})
    headers = {"Authorization": f"Bearer {cast.account['token']}"}
    routed = cast.transport("GET", f"{cast.account['route_url']}?{query}", headers)
    assert (routed.status, routed.json["office"]) == (200, cast.alatau_sales.id)


def test_nobody_gets_in_who_did_not_before(cast: Cast, outage: Outage) -> None:
    outage.begin()
    body = {"call_id": "c1", "from": "+77011234567", "to": cast.alatau_sales.numbers[0][1]}
    wrong = "whsec_" + "A" * 44
    for url in (cast.account["route_url"], cast.account["events_url"]):
        refused = cast.telephone.send(url, body, secret=wrong)
        assert (refused.status, refused.json["code"]) == (401, "wrong_signature")
        unknown = cast.telephone.send(url.replace("/v1/telephony/", "/v1/telephony/un"), body)
        assert (unknown.status, unknown.json["code"]) == (404, "unknown_account")
    unknown_number = cast.telephone.route("c1", "+77770000000")
    assert (unknown_number.status, unknown_number.json["code"]) == (404, "unknown_number")


def test_a_reveal_shows_the_listing_s_own_phone(cast: Cast, outage: Outage) -> None:
    page = cast.page()
    page.reveal("ZHK-1001", visitor="v1")
    outage.begin()
    for listing, phone in cast.phone_of.items():
        for visitor in ("v1", None):
            shown = page.reveal(listing, visitor=visitor)
            assert (shown.status, shown.reason) == (200, "database"), shown.body
            assert (shown.json["kind"], shown.json["number"], shown.json["lease"]) == ("fallback", phone, None)
            assert shown.json["display"].startswith("8 (701)")
    nothing_known = page.reveal("NEVER-HEARD-OF")
    assert (nothing_known.status, nothing_known.json["kind"], nothing_known.json["number"]) == (200, "fallback", None)
    assert cast.page(origin="https://elsewhere.kz").reveal("ZHK-1001").status == 403
    visit = page.visit(visitor="v1")
    assert (visit.status, visit.json["swaps"], visit.reason) == (200, [], "database")


def test_after_the_outage_the_lease_is_the_same(cast: Cast, outage: Outage) -> None:
    before = cast.page().reveal("ZHK-1001", visitor="v1").json
    outage.begin()
    assert cast.page().reveal("ZHK-1001", visitor="v1").json["kind"] == "fallback"
    outage.end()
    after = _leased(cast, "ZHK-1001", "v1")
    assert (after["lease"], after["number"]) == (before["lease"], before["number"])


def test_a_number_is_not_held_for_a_lease_that_could_not_be_written(cast: Cast, outage: Outage) -> None:
    """Three numbers, and three visitors who were shown the real phone: nobody is there to hold them."""
    outage.begin()
    for index in range(3):
        assert cast.page().reveal("ZHK-1003", visitor=f"v{index}").json["kind"] == "fallback"
    outage.end()
    kinds = [_leased(cast, "ZHK-1003", f"w{index}")["kind"] for index in range(3)]
    assert kinds == ["dynamic"] * 3


def test_events_become_one_lead_when_the_database_is_back(cast: Cast, parts: Services, outage: Outage) -> None:
    to, call = cast.alatau_sales.numbers[0][1], new_call_id()
    telephone, at = cast.telephone, rfc3339()
    outage.begin()
    routed = telephone.route(call, to, at=at)
    for _ in range(2):
        taken = telephone.event("ended", call, to, at=at, disposition="answered", wait=5, talk=60, duration=65)
        assert (taken.status, taken.json) == (200, {"call": None})
        assert telephone.event("ringing", call, to, at=at).status == 200
    outage.end()
    assert parts.intake.retry_due() >= 4
    _settle(parts)
    assert telephone.event("ringing", call, to, at=at).json["call"] == routed.json["call"]
    with parts.database.reading() as session:
        found = session.scalars(select(Call)).one()
        assert (found.id, found.disposition, found.talk) == (routed.json["call"], "answered", 60)
        assert session.scalar(select(func.count(Lead.id))) == 1
        assert set(session.scalars(select(RawMessage.state))) == {"taken"}
    assert list(parts.settings.spool_dir.glob("*")) == []


def test_a_message_that_says_nothing_is_kept_and_refused_later(cast: Cast, parts: Services, outage: Outage) -> None:
    outage.begin()
    taken = cast.telephone.send(cast.account["events_url"], {"type": "call.ringing"})
    assert taken.status == 200
    outage.end()
    _settle(parts)
    with parts.database.reading() as session:
        kept = session.scalars(select(RawMessage)).one()
        assert (kept.state, kept.problem) == ("refused", "invalid_request")


def _leased(cast: Cast, listing: str, visitor: str) -> dict[str, Any]:
    """The first answer that is no fallback: a reveal gives up at once where a busy machine keeps it waiting."""
    answers = []

    def not_a_fallback() -> dict[str, Any] | None:
        answers.append(cast.page().reveal(listing, visitor=visitor))
        shown: dict[str, Any] = answers[-1].json
        return None if shown["kind"] == "fallback" else shown

    return eventually(not_a_fallback, what=lambda: str([answer.reason for answer in answers]))


def _settle(parts: Services) -> None:
    """Until the worker finds nothing more to take up; a few turns are enough for all that a test has sent."""
    for _ in range(5):
        if not parts.intake.retry_due():
            return
    raise AssertionError("there is no end to it")
