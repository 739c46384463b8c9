"""`POST /v1/leases`: contract section 3."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callease.base.clock import SetClock
from tests.contract.conftest import refused
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.http import Answer, InProcess

Row = dict[str, Any]
ANSWER = {"lease", "number", "display", "kind", "listing", "expires_at", "ttl"}
WRONG_FIELDS: list[tuple[Row, str]] = [
    ({"site": None}, "site"),
    ({"site": 7}, "site"),
    ({"site": ""}, "site"),
    ({"site": "x" * 41}, "site"),
    ({"listing": None}, "listing"),
    ({"listing": ""}, "listing"),
    ({"listing": ["ZHK-1001"]}, "listing"),
    ({"listing": "x" * 201}, "listing"),
    ({"visitor": 7}, "visitor"),
    ({"visitor": "x" * 101}, "visitor"),
    ({"session": {}}, "session"),
    ({"page": "https://bosaga.kz"}, "page"),
    ({"page": {"url": 7}}, "page"),
    ({"source": {"class": "Paid Search"}}, "source"),
    ({"source": []}, "source"),
    ({"clients": {"ga": {}}}, "clients"),
    ({"clients": {str(n): "x" for n in range(21)}}, "clients"),
    ({"token": 1}, "token"),
]
NO_OBJECTS = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b'{"site": "' + b"x" * 70_000]
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def ask(cast: Cast, body: Any, **headers: str) -> Answer:
    """Any body at all; a header's name with underscores."""
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return cast.transport("POST", "/c/v1/leases", sent, content)


def reveal(cast: Cast, listing: str = "ZHK-1001", **fields: Any) -> Row:
    answer = cast.page().reveal(listing, **fields)
    assert answer.status == 200, answer.body
    shown: Row = answer.json
    return shown


class TestTheAnswer:
    def test_its_shape(self, cast: Cast) -> None:
        answer = cast.page().reveal("ZHK-1001", visitor="v", session="s")
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.reason is None
        shown = answer.json
        assert set(shown) >= ANSWER
        assert shown["lease"].startswith("lse_")
        assert shown["number"] in cast.alatau_sales.e164s
        assert shown["display"] == f"8 (7172) 69 1{shown['number'][-3]} {shown['number'][-2:]}"
        assert (shown["kind"], shown["listing"]) == ("dynamic", "ZHK-1001")

    def test_a_lease_lasts_half_an_hour(self, cast: Cast) -> None:
        begun = datetime.now(UTC)
        shown = reveal(cast, visitor="v")
        assert 1_798 <= shown["ttl"] <= 1_800
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", shown["expires_at"])
        ends = datetime.fromisoformat(shown["expires_at"])
        assert timedelta(seconds=1_799) <= ends - begun <= timedelta(seconds=1_805)

    def test_or_as_long_as_the_site_says(self, cast: Cast) -> None:
        cast.api.patch(f"/sites/{cast.site['id']}", {"lease_seconds": 600})
        assert 598 <= reveal(cast, visitor="v")["ttl"] <= 600

    @pytest.mark.parametrize("ahead_seconds", [-300, 300])
    def test_its_time_is_redis_s_however_the_server_s_clock_goes(
        self, cast: Cast, clock: SetClock, ahead_seconds: int
    ) -> None:
        clock.advance(ahead_seconds)
        first = reveal(cast, visitor="v")
        again = reveal(cast, visitor="v")
        assert 1_790 <= again["ttl"] <= first["ttl"] == 1_800
        assert again["lease"] == first["lease"]

    def test_hours_of_an_office_that_has_some(self, cast: Cast, clock: SetClock) -> None:
        assert "hours" not in reveal(cast, visitor="before")
        hours = {"mon": [["09:00", "18:00"]]}
        cast.api.patch(f"/offices/{cast.alatau_sales.id}", {"hours": hours, "timezone": "Asia/Almaty"})
        clock.set(datetime.fromisoformat("2026-11-23T12:00:00+05:00"))
        assert reveal(cast, visitor="open")["hours"] == {"open": True, "opens_at": None, "timezone": "Asia/Almaty"}
        clock.set(datetime.fromisoformat("2026-11-23T20:00:00+05:00"))
        closed = {"open": False, "opens_at": "2026-11-30T04:00:00Z", "timezone": "Asia/Almaty"}
        assert reveal(cast, visitor="closed")["hours"] == closed

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/plain;charset=UTF-8", ""])
    def test_a_body_comes_as_json_or_as_text(self, cast: Cast, content_type: str) -> None:
        body = {"site": cast.site["key"], "listing": "ZHK-1001"}
        assert ask(cast, body, Content_Type=content_type).json["kind"] == "dynamic"

    def test_the_least_that_is_needed(self, cast: Cast) -> None:
        assert ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001"}).json["kind"] == "dynamic"

    def test_newer_scripts_may_say_more(self, cast: Cast) -> None:
        body = {"site": cast.site["key"], "listing": "ZHK-1001", "future": {"x": 1}, "page": {"url": "x", "scroll": 7}}
        assert ask(cast, body).json["kind"] == "dynamic"

    @pytest.mark.parametrize("empty", [None, "", {}])
    def test_what_is_empty_is_absent(self, cast: Cast, empty: Any) -> None:
        text = None if empty == {} else empty
        body = {"site": cast.site["key"], "listing": "ZHK-1001", "visitor": text, "session": text, "token": text}
        objects = None if empty == "" else empty
        answer = ask(cast, {**body, "page": objects, "source": objects, "clients": objects, "challenge": text})
        assert answer.json["kind"] == "dynamic"


class TestWhoseLeaseItIs:
    def test_a_visitor_keeps_the_number_of_a_listing(self, cast: Cast) -> None:
        first = reveal(cast, visitor="v", session="s1")
        again = reveal(cast, visitor="v", session="s2")
        assert (again["lease"], again["number"], again["expires_at"]) == (
            first["lease"],
            first["number"],
            first["expires_at"],
        )

    def test_another_listing_is_another_lease(self, cast: Cast) -> None:
        assert reveal(cast, visitor="v")["lease"] != reveal(cast, "ZHK-1002", visitor="v")["lease"]

    def test_another_visitor_is_another_lease(self, cast: Cast) -> None:
        one, other = reveal(cast, visitor="v1"), reveal(cast, visitor="v2")
        assert one["lease"] != other["lease"]
        assert one["number"] != other["number"]

    def test_without_a_visitor_it_is_the_sessions(self, cast: Cast) -> None:
        assert reveal(cast, session="s")["lease"] == reveal(cast, session="s")["lease"]
        assert reveal(cast, session="s")["lease"] != reveal(cast, session="t")["lease"]

    def test_with_neither_every_request_is_a_new_one(self, cast: Cast) -> None:
        assert reveal(cast)["lease"] != reveal(cast)["lease"]

    def test_a_heartbeat_moves_it_to_no_other_number(self, cast: Cast) -> None:
        first = reveal(cast, visitor="v")
        assert cast.page().tell(first["lease"], "heartbeat").status == 204
        again = reveal(cast, visitor="v")
        assert (again["number"], again["expires_at"]) == (first["number"], first["expires_at"])


class TestKinds:
    def test_a_class_has_its_own_numbers(self, cast: Cast) -> None:
        paid = {e164 for name, e164 in cast.alatau_sales.numbers if name == "paid_search"}
        url = "https://bosaga.kz/?utm_source=google&utm_medium=cpc"
        assert {reveal(cast, visitor=f"v{n}", url=url)["number"] for n in range(2)} == paid

    def test_a_class_whose_numbers_are_held_borrows(self, cast: Cast) -> None:
        url = "https://bosaga.kz/?gclid=1"
        shown = [reveal(cast, visitor=f"v{n}", url=url) for n in range(4)]
        assert {each["kind"] for each in shown} == {"dynamic"}
        assert {each["number"] for each in shown} == cast.alatau_sales.e164s

    def test_when_no_number_is_free_one_is_shared_and_says_so(self, cast: Cast) -> None:
        shown = [reveal(cast, "ZHK-3001", visitor=f"v{n}") for n in range(3)]
        assert [each["kind"] for each in shown] == ["dynamic", "dynamic", "shared"]
        assert {each["number"] for each in shown} == cast.zhaina_sales.e164s

    def test_never_another_offices_number(self, cast: Cast) -> None:
        for listing, office in cast.office_of.items():
            for n in range(6):
                assert reveal(cast, listing, visitor=f"v{n}")["number"] in office.e164s

    def test_a_bot_gets_the_fixed_number(self, cast: Cast) -> None:
        fixed = "+77172699500"
        cast.api.post("/numbers", {"e164": fixed, "office": cast.alatau_sales.id, "role": "static"})
        answer = ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001"}, User_Agent=BOT)
        assert (answer.json["kind"], answer.json["number"], answer.json["lease"]) == ("static", fixed, None)
        assert (answer.json["ttl"], answer.json["expires_at"]) == (0, None)

    def test_or_the_real_one_where_there_is_no_fixed_one(self, cast: Cast) -> None:
        answer = ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001"}, User_Agent=BOT)
        assert (answer.json["kind"], answer.json["number"]) == ("fallback", cast.phone_of["ZHK-1001"])
        assert answer.reason == "bot"

    def test_fixed_numbers_are_leased_to_nobody(self, cast: Cast) -> None:
        cast.api.post("/numbers", {"e164": "+77172699500", "office": cast.zhaina_sales.id, "role": "static"})
        assert {reveal(cast, "ZHK-3001", visitor=f"v{n}")["number"] for n in range(4)} == cast.zhaina_sales.e164s

    def test_a_site_that_measures_gives_no_numbers(self, cast: Cast) -> None:
        cast.api.patch(f"/sites/{cast.site['id']}", {"mode": "measure"})
        answer = cast.page().reveal("ZHK-1001", visitor="v")
        assert (answer.json["kind"], answer.json["number"]) == ("fallback", cast.phone_of["ZHK-1001"])
        assert answer.reason == "measure"

    @pytest.mark.parametrize("status", ["paused", "closed"])
    def test_a_listing_that_is_not_active_gets_its_own_phone(self, cast: Cast, status: str) -> None:
        (listing,) = cast.api.get("/listings?external_id=ZHK-1001")["data"]
        cast.api.patch(f"/listings/{listing['id']}", {"status": status})
        answer = cast.page().reveal("ZHK-1001", visitor="v")
        assert (answer.json["kind"], answer.json["number"]) == ("fallback", cast.phone_of["ZHK-1001"])
        assert answer.reason

    def test_an_office_without_numbers(self, cast: Cast) -> None:
        office = cast.api.post("/offices", {"advertiser": cast.alatau["id"], "name": "New"})
        (listing,) = cast.api.get("/listings?external_id=ZHK-1001")["data"]
        cast.api.patch(f"/listings/{listing['id']}", {"office": office["id"]})
        answer = cast.page().reveal("ZHK-1001", visitor="v")
        assert (answer.json["kind"], answer.reason) == ("fallback", "no_numbers")

    def test_a_listing_without_any_phone_blanks_nothing(self, cast: Cast) -> None:
        (listing,) = cast.api.get("/listings?external_id=ZHK-1001")["data"]
        cast.api.patch(f"/listings/{listing['id']}", {"phone": None, "status": "paused"})
        answer = cast.page().reveal("ZHK-1001")
        assert (answer.status, answer.json["kind"]) == (200, "fallback")
        assert (answer.json["number"], answer.json["display"]) == (None, None)

    def test_an_office_answers_for_listings_that_name_none(self, cast: Cast) -> None:
        (listing,) = cast.api.get("/listings?external_id=ZHK-1003")["data"]
        cast.api.patch(f"/listings/{listing['id']}", {"office": None})
        assert reveal(cast, "ZHK-1003", visitor="v")["number"] in cast.alatau_sales.e164s


class TestPageTokens:
    @pytest.fixture
    def key(self, cast: Cast) -> str:
        site = cast.api.post("/sites", {"name": "Strict", "domains": ["bosaga.kz"], "require_token": True})
        cast.api.post(
            "/listings", {"site": site["id"], "advertiser": cast.alatau["id"], "external_id": "T-1", "title": "x"}
        )
        self.site_key = site["key"]
        made: str = site["token_key"]
        return made

    def kind(self, cast: Cast, token: str | None) -> tuple[str, str | None]:
        answer = ask(cast, {"site": self.site_key, "listing": "T-1", "token": token})
        return answer.json["kind"], answer.reason

    @staticmethod
    def token(key: str, day: datetime, listing: str = "T-1") -> str:
        return hmac.new(key.encode(), f"{listing}\n{day:%Y-%m-%d}".encode(), hashlib.sha256).hexdigest()

    @pytest.mark.parametrize("days", [0, 1])
    def test_todays_and_yesterdays_are_good(self, cast: Cast, clock: SetClock, key: str, days: int) -> None:
        assert self.kind(cast, self.token(key, clock.now() - timedelta(days=days))) == ("dynamic", None)

    def test_others_are_not(self, cast: Cast, clock: SetClock, key: str) -> None:
        good = self.token(key, clock.now())
        bad = [None, "", "x", good[:-1], good.upper(), self.token(key, clock.now() - timedelta(days=2)),
               self.token(key, clock.now() + timedelta(days=1)), self.token(key, clock.now(), "T-2"),
               self.token("other key", clock.now()), "ы" * 10]  # fmt: skip
        for token in bad:
            assert self.kind(cast, token) == ("fallback", "token"), token

    def test_the_answer_is_then_the_fixed_number(self, cast: Cast, key: str) -> None:
        cast.api.post("/numbers", {"e164": "+77172699500", "office": cast.alatau_sales.id, "role": "static"})
        assert self.kind(cast, None) == ("static", "token")

    def test_where_it_is_not_required_a_wrong_one_harms_nobody(self, cast: Cast) -> None:
        assert reveal(cast, visitor="v", token="wrong")["kind"] == "dynamic"


class TestRefusals:
    def test_an_unknown_site(self, cast: Cast) -> None:
        refused(ask(cast, {"site": "nobody", "listing": "ZHK-1001"}), 404, "unknown_site")

    def test_a_retired_site(self, cast: Cast) -> None:
        cast.api.delete(f"/sites/{cast.site['id']}")
        refused(ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001"}), 404, "unknown_site")

    def test_an_unknown_listing(self, cast: Cast) -> None:
        problem = refused(ask(cast, {"site": cast.site["key"], "listing": "ZHK-0"}), 404, "unknown_listing")
        assert "fallback" not in problem

    @pytest.mark.parametrize("origin", ["https://evil.example", "https://bosaga.kz.evil.example", "https://xbosaga.kz",
                                        "null", "nonsense", "https://", "file://", "https://a.bosaga.kz"])  # fmt: skip
    def test_a_page_of_another_domain(self, cast: Cast, origin: str) -> None:
        answer = ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001"}, Origin=origin)
        problem = refused(answer, 403, "origin_not_allowed")
        assert problem["fallback"] == cast.phone_of["ZHK-1001"]
        assert "Access-Control-Allow-Origin" not in answer.headers

    @pytest.mark.parametrize("origin", ["https://bosaga.kz", "http://bosaga.kz:8080", "https://www.bosaga.kz",
                                        "http://localhost:3000", "http://127.0.0.1", "https://BOSAGA.kz"])  # fmt: skip
    def test_a_page_of_the_site_on_any_port(self, cast: Cast, origin: str) -> None:
        answer = ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001"}, Origin=origin)
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == origin

    def test_domains_below_a_star(self, cast: Cast) -> None:
        cast.api.patch(f"/sites/{cast.site['id']}", {"domains": ["*.bosaga.kz"]})
        body = {"site": cast.site["key"], "listing": "ZHK-1001"}
        assert ask(cast, body, Origin="https://astana.bosaga.kz").status == 200
        assert ask(cast, body, Origin="https://bosaga.kz").status == 403

    def test_a_wrong_field_is_named(self, cast: Cast) -> None:
        for change, field in WRONG_FIELDS:
            answer = ask(cast, {"site": cast.site["key"], "listing": "ZHK-1001", **change})
            assert list(refused(answer, 400, "invalid_request")["fields"]) == [field], change

    def test_what_is_no_json_object(self, cast: Cast) -> None:
        for body in NO_OBJECTS:
            refused(ask(cast, body), 400, "invalid_request")

    def test_a_page_may_see_why(self, cast: Cast) -> None:
        answer = ask(cast, {"site": cast.site["key"]}, Origin="https://bosaga.kz")
        refused(answer, 400, "invalid_request")
        assert answer.headers["Access-Control-Allow-Origin"] == "https://bosaga.kz"


ODD_PAGES: list[Row] = [
    {"visitor": "\x00", "session": "a\x00b"},
    {"visitor": "\ud800"},
    {"page": {"url": "https://bosaga.kz/\ud83d?utm_source=\x00&utm_campaign=" + "я" * 3_000}},
    {"page": {"url": f"https://bosaga.kz/?utm_source={'s' * 3_000}&utm_medium={'m' * 900}", "referrer": "x" * 20_000}},
    {"page": {"referrer": f"https://{'a' * 300}.example/", "title": "😀" * 2_000}},
    {"page": {"url": "http://[", "referrer": "android-app://"}},
    {"source": {"source": "\ud800", "medium": "\x00", "class": "outdoor"}, "clients": {"ga": "\x00\udfff"}},
]


@on_both_databases
@pytest.mark.parametrize("fields", ODD_PAGES, ids=lambda fields: str(fields)[:40])
def test_whatever_a_page_says_of_itself_it_gets_its_number(cast: Cast, fields: Row) -> None:
    """Never a 5xx that would blank a phone, nor a 400 for a title that was cut inside an emoji."""
    body = {"site": cast.site["key"], "listing": "ZHK-1001", **fields}
    answer = ask(cast, body, Origin="https://bosaga.kz")
    assert (answer.status, answer.json["kind"]) == (200, "dynamic"), answer.reason
    visit = cast.transport("POST", "/c/v1/visits", {}, json.dumps(body).encode())
    assert visit.json["visit"]


class TestLimits:
    def test_a_visitor_of_too_many_reveals(self, cast: Cast) -> None:
        held = []
        for n in range(60):
            cast.api.post(
                "/listings",
                {"site": cast.site["id"], "advertiser": cast.zhaina["id"], "external_id": f"M-{n}", "title": "x",
                 "phone": "+77019990000"},
            )  # fmt: skip
            held.append(reveal(cast, f"M-{n}", visitor="greedy"))
            assert held[-1]["kind"] in ("dynamic", "shared")
        answer = cast.page().reveal("ZHK-3001", visitor="greedy")
        problem = refused(answer, 429, "too_many_reveals")
        assert problem["fallback"] == cast.phone_of["ZHK-3001"]
        assert "budget" not in problem
        assert 0 < int(answer.headers["Retry-After"]) <= 3_600
        assert answer.headers["Access-Control-Allow-Origin"] == "https://bosaga.kz"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        counted = cast.transport("GET", "/metrics").body.decode()
        assert re.search(r'^callease_suspicious_reveals_total\{budget="visitor"\} [1-9]', counted, re.M)
        again = reveal(cast, "M-0", visitor="greedy")  # what is held is given again
        assert (again["lease"], again["number"]) == (held[0]["lease"], held[0]["number"])
        assert reveal(cast, "ZHK-3001", visitor="modest")["kind"] in ("dynamic", "shared")


class TestEvents:
    @pytest.mark.parametrize("type_", ["dial", "copy", "qr", "heartbeat"])
    def test_each_is_taken(self, cast: Cast, type_: str) -> None:
        answer = cast.page().tell(reveal(cast, visitor="v")["lease"], type_)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "https://bosaga.kz"

    def test_a_tap_decides_between_two_visitors(self, cast: Cast) -> None:
        shown = [reveal(cast, "ZHK-3001", visitor=f"v{n}") for n in range(4)]
        rivals = [each for each in shown if each["number"] == shown[0]["number"]]
        assert len(rivals) >= 2
        cast.page().tell(rivals[0]["lease"], "dial")
        route = cast.telephone.route("c1", rivals[0]["number"]).json
        assert route["lease"] == rivals[0]["lease"]

    @pytest.mark.parametrize("body", [{}, {"type": "sms"}, {"type": None}, {"type": ["dial"]}])
    def test_others_are_refused(self, cast: Cast, body: Row) -> None:
        address = f"/c/v1/leases/{reveal(cast, visitor='v')['lease']}/events"
        answer = cast.transport("POST", address, {"Content-Type": "text/plain"}, json.dumps(body).encode())
        assert list(refused(answer, 400, "invalid_request")["fields"]) == ["type"]

    def test_of_no_lease(self, cast: Cast) -> None:
        refused(cast.page().tell("lse_nowhere", "dial"), 404, "unknown_lease")
        refused(cast.page().tell("lse_nowhere", "heartbeat"), 404, "unknown_lease")


class TestPreflight:
    @pytest.mark.parametrize("path", ["/c/v1/leases", "/c/v1/visits", "/c/v1/leases/lse_1/events"])
    def test_pages_may_ask(self, http: InProcess, path: str) -> None:
        asked = {"Origin": "https://bosaga.kz", "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "content-type"}  # fmt: skip
        answer = http("OPTIONS", path, asked)
        assert answer.status in (200, 204)
        assert answer.body == b""
        assert answer.headers["Access-Control-Allow-Origin"] in ("https://bosaga.kz", "*")
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()
        assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_an_answer_is_for_one_origin(self, cast: Cast) -> None:
        answer = cast.page().reveal("ZHK-1001")
        assert answer.headers["Access-Control-Allow-Origin"] == "https://bosaga.kz"
        assert "Origin" in answer.headers["Vary"]
        assert "Callease-Reason" in answer.headers["Access-Control-Expose-Headers"]

    def test_apps_and_servers_state_no_origin(self, cast: Cast) -> None:
        answer = cast.page(origin=None).reveal("ZHK-1001")
        assert answer.json["kind"] == "dynamic"
        assert "Access-Control-Allow-Origin" not in answer.headers
