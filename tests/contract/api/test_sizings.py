"""How many numbers to buy, by the API: asked for, and read when a worker has worked it out."""

from callease.base.clock import SetClock, rfc3339
from callease.planning.sizing_states import SizingProblem
from callease.planning.sizings import Sizings
from callease.web.services import Services
from tests.contract.conftest import refused
from tests.factories import Cast

SHARE = {"right": 0.97, "low": 0.96, "high": 0.98}
POINT = {"numbers": 40, "office": SHARE, "source": SHARE, "session": SHARE}
PRICE = {"amount": "15000", "currency": "KZT"}
BEST = {"more": 10, "then": POINT, "source_gain": 0.01, "session_gain": 0.03, "price": PRICE}
RESULT = {
    "reveals_a_day": 200.5,
    "offices": 20,
    "classes": 6,
    "objective": "both",
    "counted": {"days": 30.0, "reveals": 6_015, "first_calls": 2_000, "too_short": False},
    "assumed": ["rhythm"],
    "curve": [POINT],
    "for_source": [{"right": 0.96, "numbers": 35}, {"right": 0.999, "numbers": None}],
    "owned": 40,
    "numbers": 40,
    "now": POINT,
    "next_best": BEST,
    "purchases": [BEST],
    "price": {"amount": "1500", "currency": "KZT"},
}


def test_it_waits_until_a_worker_has_done_it(cast: Cast, parts: Services, clock: SetClock) -> None:
    site = cast.site["id"]
    answer = cast.api.ask("POST", "/sizings", {"site": site})
    assert answer.status == 201
    asked = answer.json
    assert (asked["site"], asked["state"], asked["result"], asked["problem"], asked["done_at"]) == (
        site, "waiting", None, None, None,
    )  # fmt: skip
    assert asked["asked_at"] == rfc3339(clock.now())
    assert cast.api.get(f"/sizings/{asked['id']}") == asked
    Sizings(parts.database, clock).record(asked["id"], RESULT)
    done = cast.api.get(f"/sizings/{asked['id']}")
    assert (done["state"], done["result"], done["done_at"]) == ("done", RESULT, rfc3339(clock.now()))


def test_who_asks_while_one_waits_is_given_that_one(cast: Cast) -> None:
    first, second = (cast.api.post("/sizings", {"site": cast.site["id"]}) for _ in range(2))
    assert first == second


def test_the_last_result_is_the_first_of_the_list(cast: Cast, parts: Services, clock: SetClock) -> None:
    sizings, made = Sizings(parts.database, clock), []
    for days in range(3):
        made.append(cast.api.post("/sizings", {"site": cast.site["id"]})["id"])
        sizings.record(made[-1], RESULT | {"owned": days})
        clock.advance(86_400)
    waiting = cast.api.post("/sizings", {"site": cast.site["id"]})["id"]
    listed = cast.api.get(f"/sizings?site={cast.site['id']}&state=done&limit=1")
    assert [row["id"] for row in listed["data"]] == [made[-1]]
    assert [row["id"] for row in cast.api.all("/sizings")] == [waiting, *reversed(made)]
    assert cast.api.all("/sizings?site=sit_nowhere") == []


def test_what_went_wrong_is_said(cast: Cast, parts: Services, clock: SetClock) -> None:
    id_ = cast.api.post("/sizings", {"site": cast.site["id"]})["id"]
    Sizings(parts.database, clock).record(id_, SizingProblem.NOTHING_COUNTED)
    read = cast.api.get(f"/sizings/{id_}")
    assert (read["state"], read["problem"], read["result"]) == ("failed", "nothing_counted", None)


def test_what_is_asked_wrongly_is_refused(cast: Cast) -> None:
    for body, field in (
        ({}, "site"),
        ({"site": "sit_nowhere"}, "site"),
        ({"site": None}, "site"),
        ({"site": cast.site["id"], "state": "done"}, "state"),
    ):
        assert list(refused(cast.api.ask("POST", "/sizings", body), 400, "invalid_request")["fields"]) == [field]
    for method in ("PATCH", "DELETE"):
        id_ = cast.api.post("/sizings", {"site": cast.site["id"]})["id"]
        assert cast.api.ask(method, f"/sizings/{id_}", {}).status == 405


def test_it_is_the_portal_s_own_business(cast: Cast) -> None:
    assert cast.api_of("manager").post("/sizings", {"site": cast.site["id"]})["state"] == "waiting"
    for api in (cast.api_of("operator"), cast.api_of("moderator"), cast.api_of("advertiser", cast.alatau)):
        refused(api.ask("GET", "/sizings"), 404, "not_found")
        refused(api.ask("POST", "/sizings", {"site": cast.site["id"]}), 404, "not_found")
