"""Lists, a page at a time: stable, complete, nothing twice."""

from typing import Any
from urllib.parse import quote

import pytest

from callease.base.clock import SetClock
from tests.contract.conftest import Operation, refused
from tests.factories import Cast
from tests.support.http import Api


def pages(api: Api, path: str, limit: int) -> list[list[dict[str, Any]]]:
    """All pages of a list, as they come."""
    found, cursor = [], ""
    while True:
        page = api.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        assert set(page) == {"data", "next_cursor"}
        found.append(page["data"])
        assert len(found) < 100, "the pages do not end"
        if page["next_cursor"] is None:
            return found
        assert len(page["data"]) == limit
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
def many(api: Api) -> list[str]:
    """The ids of eleven advertisers, newest first."""
    return [api.post("/advertisers", {"name": f"A{n}", "plan": "cpt" if n % 2 else "cpl"})["id"] for n in range(11)][
        ::-1
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10, 11, 12, 200])
def test_every_row_is_on_one_page_whatever_the_length(api: Api, many: list[str], limit: int) -> None:
    found = [row["id"] for page in pages(api, "/advertisers", limit) for row in page]
    assert found == many


def test_an_empty_list_is_one_empty_page(api: Api) -> None:
    assert pages(api, "/leads", 5) == [[]]


def test_what_is_made_meanwhile_does_not_move_the_pages(api: Api, many: list[str]) -> None:
    first = api.get("/advertisers?limit=4")
    api.post("/advertisers", {"name": "new"})
    api.delete(f"/advertisers/{many[5]}")
    rest = api.get(f"/advertisers?limit=200&cursor={first['next_cursor']}")
    assert [row["id"] for row in rest["data"]] == [id_ for id_ in many[4:] if id_ != many[5]]


def test_a_page_is_answered_twice_alike(api: Api, many: list[str]) -> None:
    first = api.get("/advertisers?limit=4")
    address = f"/advertisers?limit=4&cursor={first['next_cursor']}"
    assert api.get(address) == api.get(address)


def test_filters_hold_over_pages(api: Api, many: list[str]) -> None:
    found = [row for page in pages(api, "/advertisers?plan=cpt", 2) for row in page]
    assert len(found) == 5
    assert {row["plan"] for row in found} == {"cpt"}


def test_calls_are_listed_by_the_time_of_their_beginning(cast: Cast, clock: SetClock) -> None:
    """Several begin in the same moment, and they are told of in no order."""
    number = cast.page().reveal("ZHK-1001", visitor="v").json["number"]
    for call, second in (("c", 2), ("a", 0), ("e", 1), ("b", 1), ("d", 1)):
        cast.telephone.event("ringing", call, number, at=f"2026-11-21T10:00:0{second}.5Z")
    found = [row for page in pages(cast.api, "/calls", 2) for row in page]
    assert [row["started_at"] for row in found] == sorted((row["started_at"] for row in found), reverse=True)
    assert sorted(row["provider_call_id"] for row in found) == ["a", "b", "c", "d", "e"]


def test_a_limit_is_between_one_and_two_hundred(api: Api) -> None:
    for limit in ("0", "-1", "201", "1000000", "many", "", "1.5"):
        assert "limit" in refused(api.ask("GET", f"/advertisers?limit={limit}"), 400, "invalid_request")["fields"]


BAD_CURSORS = ["nonsense", "AAAA", "adv_1", "%00", "%F0%9F%98%80", "W10", "WyJhIiwiYiJd", "x" * 4_000]


@pytest.mark.parametrize("path", ["/advertisers", "/calls"])
def test_what_is_no_cursor_of_this_list_is_refused(api: Api, path: str) -> None:
    for cursor in BAD_CURSORS:
        assert "cursor" in refused(api.ask("GET", f"{path}?cursor={cursor}"), 400, "invalid_request")["fields"]


def test_every_filter_of_the_document_filters(cast: Cast, operations: list[Operation]) -> None:
    """Each row is found by its own value and by no other row's."""
    cast.telephone.call(cast.page().reveal("ZHK-1001", visitor="v").json["number"], talk=5)
    cast.telephone.event("ringing", "other", cast.saryarka_sales.numbers[0][1], "+77019999999")
    for plan in ("owner", "manager"):
        cast.user(plan)
    tried = 0
    for operation in operations:
        if operation.method != "get" or operation.in_path:
            continue
        rows = cast.api.all(operation.path)
        for name in [each["name"] for each in operation.parameters if each["name"] not in ("limit", "cursor")]:
            assert cast.api.get(f"{operation.path}?{name}=nothing-like-it")["data"] == [], f"{operation} {name}"
            for value in {row[name] for row in rows if isinstance(row.get(name), str)}:
                found = {row["id"] for row in cast.api.all(f"{operation.path}?{name}={quote(value)}")}
                assert found == {row["id"] for row in rows if row[name] == value}, f"{operation} {name}={value}"
                tried += 1
    assert tried > 20


def test_filters_that_nobody_knows_are_let_pass(api: Api, many: list[str]) -> None:
    assert len(api.get("/advertisers?colour=red")["data"]) == len(many)
