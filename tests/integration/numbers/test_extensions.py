"""Leases with a code, as pages ask for them: which office gets one, whose it is, what is durable."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from callease.base.clock import SetClock
from callease.base.group_commit import GroupCommit, Row
from callease.numbers import budgets
from callease.numbers.codes import LENGTHS
from callease.numbers.extensions import Asked, Coded, Extensions
from callease.numbers.models import Lease, NumberCode
from callease.numbers.pool import LeaseRequest
from callease.numbers.roads import CodeNumber
from callease.web.services import Services
from callease.worker import Worker
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.extensions import COMMON, Extended, extend
from tests.support.people import Telephone, new_call_id, rfc3339

KEPT = ("lease", "number", "extension", "kind", "expires_at")
OWN = "+77172692900"


@pytest.fixture
def extended(cast: Cast) -> Extended:
    return extend(cast)


def kept(shown: dict[str, object]) -> dict[str, object]:
    return {name: shown.get(name) for name in KEPT}


class TestWhoGetsACode:
    @on_both_databases
    def test_an_office_without_numbers(self, extended: Extended, parts: Services) -> None:
        shown = extended.reveal("v1")
        assert (shown["number"], shown["kind"]) == (COMMON, "dynamic")
        assert len(shown["extension"]) == 3
        with parts.database.reading() as session:
            lease = session.get_one(Lease, shown["lease"])
            code = session.get_one(NumberCode, shown["lease"])
        assert (lease.office_id, lease.number_id) == (extended.office.id, extended.common["id"])
        assert (code.number_id, code.code) == (extended.common["id"], shown["extension"])
        assert (code.leased_at, code.expires_at) == (lease.leased_at, lease.expires_at)

    def test_not_an_office_with_numbers_of_its_own(self, extended: Extended) -> None:
        """Not even when all of them are held: its callers would reach the call centre."""
        page = extended.cast.page()
        shown = [page.reveal("ZHK-1003", visitor=f"v{n}").json for n in range(4)]
        assert [each["kind"] for each in shown] == ["dynamic"] * 3 + ["shared"]
        assert all("extension" not in each for each in shown)

    def test_an_office_whose_numbers_are_all_held_gives_a_code_of_its_own(self, extended: Extended) -> None:
        cast, page = extended.cast, extended.cast.page()
        cast.api.post("/numbers", {"e164": OWN, "role": "extension", "office": cast.alatau_riverside.id})
        shown = [page.reveal("ZHK-1003", visitor=f"v{n}").json for n in range(5)]
        assert [each["kind"] for each in shown] == ["dynamic"] * 5
        assert {each["number"] for each in shown[:3]} == cast.alatau_riverside.e164s
        assert [each["number"] for each in shown[3:]] == [OWN, OWN]
        assert shown[3]["extension"] != shown[4]["extension"]
        again = [page.reveal("ZHK-1003", visitor=f"v{n}").json for n in range(5)]
        assert [kept(each) for each in again] == [kept(each) for each in shown]

    def test_a_number_that_was_not_given_after_all_is_free(self, extended: Extended) -> None:
        """The pool gave it as shared, and a code was given instead: nobody else's number is held for it."""
        cast, page = extended.cast, extended.cast.page()
        cast.api.post("/numbers", {"e164": OWN, "role": "extension", "office": cast.alatau_riverside.id})
        shown = [page.reveal("ZHK-1003", visitor=f"v{n}").json for n in range(6)]
        cast.api.delete(f"/numbers/{cast.api.all(f'/numbers?e164=%2B{OWN[1:]}')[0]['id']}")
        shared = [page.reveal("ZHK-1003", visitor=f"w{n}").json for n in range(3)]
        assert [each["number"] for each in shared] == [each["number"] for each in shown[:3]], "the coldest first"

    def test_a_number_of_its_advertiser_comes_before_the_portals(self, extended: Extended) -> None:
        cast = extended.cast
        head = cast.api.post("/offices", {"advertiser": extended.qala["id"], "name": "Head office"})
        cast.api.post("/numbers", {"e164": OWN, "role": "extension", "office": head["id"]})
        assert extended.reveal("v1")["number"] == OWN

    def test_never_a_number_of_another_advertiser(self, cast: Cast) -> None:
        extended = extend(cast)
        cast.api.delete(f"/numbers/{extended.common['id']}")
        cast.api.post("/numbers", {"e164": OWN, "role": "extension", "office": cast.alatau_riverside.id})
        assert extended.reveal("v1")["kind"] == "fallback"

    def test_nobody_who_may_not_have_a_number(self, extended: Extended) -> None:
        cast = extended.cast
        cast.api.patch(f"/sites/{cast.site['id']}", {"require_token": True})
        assert extended.reveal("v1")["kind"] == "fallback"
        cast.api.patch(f"/sites/{cast.site['id']}", {"require_token": False, "mode": "measure"})
        assert extended.reveal("v1")["kind"] == "fallback"


class TestWhoseItIs:
    def test_the_same_visitor_and_listing_keep_it(self, extended: Extended) -> None:
        first = extended.reveal("v1")
        assert kept(extended.reveal("v1")) == kept(first)
        others = [extended.reveal("v1", extended.other), extended.reveal("v2")]
        assert len({each["extension"] for each in (first, *others)}) == 3
        assert kept(extended.reveal("v1")) == kept(first)

    def test_without_another_look_at_their_budgets(self, extended: Extended, parts: Services) -> None:
        """As long as the code is held, nobody is suspicious for looking at it."""
        first = extended.reveal("v1")
        budgets_of_site = f"callease:{{{extended.cast.site['id']}}}:*"
        parts.redis.call(lambda client: client.delete(*client.keys(budgets_of_site)))
        extended.cast.api.post("/numbers", {"e164": OWN, "role": "extension", "office": extended.office.id})
        assert kept(extended.reveal("v1")) == kept(first)
        assert parts.redis.call(lambda client: client.keys(budgets_of_site)) == []

    def test_whatever_numbers_come_meanwhile(self, extended: Extended) -> None:
        first, cast = extended.reveal("v1"), extended.cast
        for e164, more in ((OWN, {"role": "extension"}), ("+77172692901", {}), ("+77172692902", {"role": "static"})):
            cast.api.post("/numbers", {"e164": e164, "office": extended.office.id, **more})
            assert kept(extended.reveal("v1")) == kept(first)
        cast.api.post("/numbers", {"e164": "+77172692903", "role": "extension"})
        assert kept(extended.reveal("v1")) == kept(first)
        assert extended.reveal("v2")["number"] == "+77172692901"

    def test_numbers_of_one_owner_share_the_visitors_among_them(self, extended: Extended) -> None:
        extended.cast.api.post("/numbers", {"e164": OWN, "role": "extension"})
        shown = [extended.reveal(f"v{n}") for n in range(20)]
        assert {each["number"] for each in shown} == {COMMON, OWN}
        assert extended.reveal("v0", extended.other)["number"] == shown[0]["number"]

    def test_a_listing_that_another_office_answers_for_by_now_has_another_code(self, extended: Extended) -> None:
        first, cast = extended.reveal("v1"), extended.cast
        second = cast.api.post("/offices", {"advertiser": extended.qala["id"], "name": "Second"})
        (listing,) = cast.api.all(f"/listings?external_id={extended.listing}")
        cast.api.patch(f"/listings/{listing['id']}", {"office": second["id"]})
        moved = extended.reveal("v1")
        assert moved["extension"] != first["extension"]
        told = [cast.telephone.route(each["lease"], COMMON, digits=each["extension"]).json for each in (first, moved)]
        assert [each["office"] for each in told] == [extended.office.id, second["id"]]

    def test_without_visitor_and_session_every_request_is_a_new_one(self, extended: Extended) -> None:
        page = extended.cast.page()
        shown = [page.reveal(extended.listing).json for _ in range(2)]
        assert shown[0]["extension"] != shown[1]["extension"]

    def test_many_at_once_have_each_their_own(self, extended: Extended, parts: Services) -> None:
        shown: list[dict[str, object]] = []
        threads = [threading.Thread(target=lambda n=n: shown.append(extended.reveal(f"v{n % 10}"))) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({each["extension"] for each in shown}) == 10
        with parts.database.reading() as session:
            assert session.scalar(select(func.count()).select_from(NumberCode)) == 10


class TestAMoveOfTheNumber:
    def test_codes_from_before_it_lead_where_they_led(
        self, extended: Extended, parts: Services, clock: SetClock
    ) -> None:
        """And the new owner answers for everybody else, and is told nothing of what was shown before."""
        cast, shown = extended.cast, extended.reveal("v1")
        cast.telephone.event("ringing", "before", COMMON, "+77017000001", digits=shown["extension"])
        cast.api.patch(f"/numbers/{extended.common['id']}", {"office": cast.saryarka_sales.id})
        clock.advance(61 * 86_400)
        Worker(parts).complete_moves()
        telephone = Telephone(cast.transport, cast.account, lambda: clock.now().timestamp())

        def told(call: str, caller: str, **fields: str) -> dict[str, object]:
            answered: dict[str, object] = telephone.route(call, COMMON, caller, at=rfc3339(clock.now()), **fields).json
            return answered

        late = told("late", "+77017000002", digits=shown["extension"])
        assert (late["office"], late["lease"]) == (extended.office.id, shown["lease"])
        new = told("new", "+77017000003", digits="")
        assert (new["office"], new["lease"], new["listing"]) == (cast.saryarka_sales.id, None, None)
        assert extended.reveal("v2")["kind"] == "fallback", "it is another advertiser's"


class TestWithoutRedis:
    def test_codes_are_known_again_when_redis_has_lost_them(self, extended: Extended, parts: Services) -> None:
        before = {f"v{n}": extended.reveal(f"v{n}") for n in range(5)}
        parts.redis.call(lambda client: client.flushall())
        assert {visitor: kept(extended.reveal(visitor)) for visitor in before} == {
            visitor: kept(shown) for visitor, shown in before.items()
        }
        new = {extended.reveal(f"w{n}")["extension"] for n in range(5)}
        assert not new & {shown["extension"] for shown in before.values()}

    @on_both_databases
    def test_a_code_whose_row_is_on_its_way_is_nobody_elses(
        self, extended: Extended, parts: Services, clock: SetClock
    ) -> None:
        """Redis forgets it before its row is written, and gives it to somebody else, who is quicker."""
        number = CodeNumber(extended.common["id"], COMMON, 0)
        first = Desk(parts, extended, clock, number)
        second = Desk(parts, extended, clock, number)
        quicker: list[Coded] = []

        def overtaken(coded: Coded) -> None:
            if not quicker:
                parts.redis.call(lambda client: client.flushall())
                quicker.append(second.lease("quicker"))

        slower = first.lease("slower", overtaken)
        assert (quicker[0].code, slower.code) == (LENGTHS[0].code(0), LENGTHS[0].code(1))
        assert first.lease("quicker").lease_id == quicker[0].lease_id

    def test_budgets_are_those_of_any_lease(self, extended: Extended, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(budgets.BUDGETS, "visitor", budgets.Budget(1, 1))
        first = extended.reveal("v")
        refused = extended.cast.page().reveal(extended.other, visitor="v")
        assert (refused.status, refused.json["code"]) == (429, "too_many_reveals")
        assert extended.reveal("v")["extension"] == first["extension"]
        assert extended.reveal("w")["kind"] == "dynamic"


class Desk:
    """A process of its own that gives codes of one number to Qala's visitors."""

    def __init__(self, parts: Services, extended: Extended, clock: SetClock, number: CodeNumber) -> None:
        self._extensions = Extensions(parts.database, parts.redis, GroupCommit(parts.database, parts.redis), clock)
        self._extended = extended
        self._number = number

    def lease(
        self,
        subject: str,
        meanwhile: object = None,
    ) -> Coded:
        request = LeaseRequest(
            office_id=self._extended.office.id,
            pool_version=0,
            source_class="direct",
            subject=subject,
            lease_id=f"lse_{new_call_id()}",
            seconds=1_800,
        )
        asked = Asked(request, visitor=None)

        def rows(coded: Coded) -> Sequence[Row]:
            if callable(meanwhile):
                meanwhile(coded)
            return [(Lease, self._row(coded, subject)), coded.row()]

        coded = self._extensions.lease([self._number], asked, rows)
        assert coded
        return coded

    def _row(self, coded: Coded, subject: str) -> dict[str, object]:
        columns: dict[str, object] = dict.fromkeys(Lease.__table__.columns.keys())
        return columns | {
            "id": coded.lease_id,
            "number_id": coded.number_id,
            "office_id": self._extended.office.id,
            "site_id": self._extended.cast.site["id"],
            "subject": subject,
            "source_class": "direct",
            "kind": "dynamic",
            "borrowed": False,
            "consented": True,
            "weight": 1.0,
            "leased_at": coded.leased_at,
            "expires_at": coded.expires_at,
        }


def test_the_lease_lasts_as_long_as_the_site_says(extended: Extended, parts: Services) -> None:
    extended.cast.api.patch(f"/sites/{extended.cast.site['id']}", {"lease_seconds": 60})
    shown = extended.reveal("v1")
    with parts.database.reading() as session:
        lease = session.get_one(Lease, shown["lease"])
    assert lease.expires_at - lease.leased_at == timedelta(seconds=60)
