"""`POST /v1/visits`: contract section 3."""

import json
from typing import Any

import pytest

from callease.base.clock import SetClock
from tests.contract.conftest import refused
from tests.factories import Cast

Row = dict[str, Any]


def visit(cast: Cast, url: str = "https://bosaga.kz/", **fields: Any) -> Row:
    answer = cast.page().visit(url, **fields)
    assert answer.status == 200, answer.body
    found: Row = answer.json
    return found


def attributed(cast: Cast, **fields: Any) -> Row:
    """What a call of this visitor is attributed to."""
    shown = cast.page().reveal("ZHK-1001", **fields).json
    cast.telephone.call(shown["number"])
    told: Row = cast.api.all("/leads")[0]["attribution"]
    return told


def test_the_answer(cast: Cast) -> None:
    answer = cast.page().visit(visitor="v", session="s")
    assert set(answer.json) == {"visit", "swaps", "widget"}
    assert answer.json["visit"].startswith("vis_")
    assert (answer.json["swaps"], answer.json["widget"]) == ([], {})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://bosaga.kz"


def test_one_session_is_one_visit(cast: Cast) -> None:
    first = visit(cast, visitor="v", session="s")["visit"]
    assert visit(cast, "https://bosaga.kz/2", visitor="v", session="s", referrer="https://bosaga.kz/")["visit"] == first
    assert visit(cast, visitor="v2", session="s2")["visit"] != first


def test_another_advertisement_begins_another_visit(cast: Cast) -> None:
    first = visit(cast, visitor="v", session="s")["visit"]
    second = visit(cast, "https://bosaga.kz/?gclid=1", visitor="v", session="s")["visit"]
    assert second != first
    assert (
        visit(cast, "https://bosaga.kz/3", visitor="v", session="s", referrer="https://bosaga.kz/")["visit"] == second
    )


def test_half_an_hour_of_silence_ends_a_visit(cast: Cast, clock: SetClock) -> None:
    first = visit(cast, visitor="v")["visit"]
    clock.advance(29 * 60)
    assert visit(cast, visitor="v")["visit"] == first
    clock.advance(31 * 60)
    assert visit(cast, visitor="v")["visit"] != first


@pytest.mark.parametrize(
    ("url", "referrer", "expected"),
    [
        ("https://bosaga.kz/?utm_source=yandex&utm_medium=cpc&utm_campaign=c", "", ("paid_search", "yandex", "cpc")),
        ("https://bosaga.kz/?yclid=17", "https://yabs.yandex.ru/", ("paid_search", "yandex", "cpc")),
        ("https://bosaga.kz/", "https://krisha.kz/a/show/1", ("aggregator", "krisha", "referral")),
        ("https://bosaga.kz/", "android-app://org.telegram.messenger/", ("messenger", "telegram", "messenger")),
        ("https://bosaga.kz/", "", ("direct", None, None)),
    ],
)
def test_a_call_is_told_where_its_visit_came_from(
    cast: Cast, url: str, referrer: str, expected: tuple[str, str | None, str | None]
) -> None:
    visit(cast, url, visitor="v", session="s", referrer=referrer)
    told = attributed(cast, visitor="v", session="s")
    assert (told["source_class"], told["source"], told["medium"]) == expected


def test_the_sites_own_word_on_the_source_counts(cast: Cast) -> None:
    stated = {"source": "bigboard-44", "medium": "outdoor", "class": "outdoor", "campaign": "autumn"}
    visit(cast, "https://bosaga.kz/?gclid=1", visitor="v", session="s", source=stated)
    told = attributed(cast, visitor="v", session="s")
    assert (told["source_class"], told["source"], told["campaign"]) == ("outdoor", "bigboard-44", "autumn")


def test_analytics_ids_are_kept_and_completed(cast: Cast) -> None:
    visit(cast, "https://bosaga.kz/?gclid=G1", visitor="v", session="s", clients={"ga": "GA1.2.3"})
    visit(cast, visitor="v", session="s", referrer="https://bosaga.kz/", clients={"ym": "17", "ga": None})
    assert attributed(cast, visitor="v", session="s")["clients"] == {"gclid": "G1", "ga": "GA1.2.3", "ym": "17"}


def test_bots_leave_no_visit(cast: Cast) -> None:
    body = {"site": cast.site["key"], "session": "s", "page": {"url": "https://bosaga.kz/"}}
    agent = {"User-Agent": "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"}
    answer = cast.transport("POST", "/c/v1/visits", agent, json.dumps(body).encode())
    assert (answer.status, answer.json["visit"]) == (200, None)


class TestConsent:
    @pytest.fixture(autouse=True)
    def required(self, cast: Cast) -> None:
        cast.api.patch(f"/sites/{cast.site['id']}", {"consent_required": True})

    def test_without_it_the_class_is_all_that_is_stated(self, cast: Cast) -> None:
        visit(cast, "https://bosaga.kz/?gclid=1&utm_campaign=c", session="s", clients={"ga": "GA1.2.3"})
        told = attributed(cast, session="s", url="https://bosaga.kz/x?gclid=1")
        assert told["source_class"] == "paid_search"
        for name in ("source", "medium", "campaign", "term", "content", "landing", "page", "referrer"):
            assert told[name] is None, name
        assert told["clients"] == {}

    def test_with_it_everything_is(self, cast: Cast) -> None:
        visit(cast, "https://bosaga.kz/?gclid=1&utm_campaign=c", visitor="v", session="s")
        told = attributed(cast, visitor="v", session="s")
        assert (told["source_class"], told["source"], told["campaign"]) == ("paid_search", "google", "c")


class TestRefusals:
    def post(self, cast: Cast, body: Any, origin: str = "https://bosaga.kz") -> Any:
        return cast.transport("POST", "/c/v1/visits", {"Origin": origin}, json.dumps(body).encode())

    def test_an_unknown_site(self, cast: Cast) -> None:
        refused(self.post(cast, {"site": "nobody"}), 404, "unknown_site")

    def test_a_page_of_another_domain(self, cast: Cast) -> None:
        answer = self.post(cast, {"site": cast.site["key"]}, "https://evil.example")
        refused(answer, 403, "origin_not_allowed")
        assert "Access-Control-Allow-Origin" not in answer.headers

    @pytest.mark.parametrize(
        "body", [{}, [], None, {"site": 1}, {"site": "x", "page": 1}, {"site": "x", "visitor": []}]
    )
    def test_a_wrong_body(self, cast: Cast, body: Any) -> None:
        assert refused(self.post(cast, body), 400, "invalid_request")["fields"]

    def test_the_least_that_is_needed(self, cast: Cast) -> None:
        assert self.post(cast, {"site": cast.site["key"]}).json["visit"].startswith("vis_")
