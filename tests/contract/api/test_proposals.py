"""Proposals as clients read and answer them."""

import re

import pytest

from callease.base.clock import SetClock
from callease.web.services import Services
from tests.contract.conftest import refused
from tests.factories import Cast
from tests.support.planning import Desk, Row

KEYS = {"id", "kind", "state", "office", "from_office", "numbers", "count", "source_class", "at_once",
        "quarantine_until", "gain", "loses_meanwhile", "monthly_cost", "run", "decided_by", "decided_at",
        "created_at"}  # fmt: skip
GAIN_KEYS = {"answers", "answers_low", "answers_high", "source_calls", "session_calls", "source_points",
             "session_points", "calls"}  # fmt: skip


@pytest.fixture
def desk(cast: Cast, parts: Services, clock: SetClock) -> Desk:
    desk = Desk(cast, parts.database, clock, parts.planner)
    desk.a_busy_and_an_idle_office()
    return desk


@pytest.fixture
def proposals(desk: Desk) -> list[Row]:
    return desk.look()


def test_the_shape(desk: Desk, proposals: list[Row]) -> None:
    for proposal in proposals:
        assert set(proposal) == KEYS
        assert set(proposal["gain"]) == GAIN_KEYS
        assert re.fullmatch(r"prp_\w+", proposal["id"])
        assert desk.cast.api.get(f"/proposals/{proposal['id']}") == proposal


def test_a_list_is_in_the_order_of_its_proposals_page_after_page(desk: Desk, proposals: list[Row]) -> None:
    first = desk.cast.api.get("/proposals?limit=2")
    second = desk.cast.api.get(f"/proposals?limit=200&cursor={first['next_cursor']}")
    assert first["data"] + second["data"] == proposals


def test_filters(desk: Desk, proposals: list[Row]) -> None:
    office = desk.cast.alatau_sales.id
    assert desk.cast.api.all("/proposals?kind=buy") == [each for each in proposals if each["kind"] == "buy"]
    assert desk.cast.api.all(f"/proposals?office={office}") == [each for each in proposals if each["office"] == office]
    assert desk.cast.api.all("/proposals?state=done") == []


def test_nobody_writes_a_proposal(desk: Desk, proposals: list[Row]) -> None:
    refused(desk.cast.api.ask("POST", "/proposals", {"kind": "buy"}), 405, "method_not_allowed")
    for method in ("PATCH", "DELETE"):
        answer = desk.cast.api.ask(method, f"/proposals/{proposals[0]['id']}", {"count": 9})
        refused(answer, 405, "method_not_allowed")
    refused(desk.cast.api.ask("POST", "/proposal-runs", {"days": 1}), 400, "invalid_request")


@pytest.mark.parametrize("action", ["approve", "dismiss"])
def test_who_may_decide(desk: Desk, proposals: list[Row], action: str) -> None:
    path = f"/proposals/{proposals[0]['id']}/{action}"
    operator, moderator = desk.cast.api_of("operator"), desk.cast.api_of("moderator")
    refused(operator.ask("POST", path, {}), 403, "forbidden")
    assert operator.get("/proposals")["data"]
    for api in (moderator, desk.cast.api_of("advertiser", desk.cast.alatau)):
        refused(api.ask("POST", path, {}), 404, "not_found")
        refused(api.ask("GET", "/proposals"), 404, "not_found")
    assert desk.cast.api_of("manager").ask("POST", path, {}).status == 200


def test_codes_of_refusals(desk: Desk, proposals: list[Row]) -> None:
    move = next(each for each in proposals if each["kind"] == "move")
    desk.cast.api.delete(f"/numbers/{move['numbers'][0]}")
    refused(desk.cast.api.ask("POST", f"/proposals/{move['id']}/approve", {}), 409, "proposal_outdated")
    refused(desk.cast.api.ask("POST", f"/proposals/{move['id']}/approve", {}), 409, "proposal_moved_on")
    refused(desk.cast.api.ask("POST", "/proposals/prp_nowhere/approve", {}), 404, "not_found")
    refused(desk.cast.api.ask("POST", f"/proposals/{move['id']}/complete", {}), 404, "not_found")
