"""Somebody wants all numbers, beside visitors who want one: those keep theirs, he learns no more than his budget."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from callease.attribution import challenge
from callease.numbers.budgets import BUDGETS
from tests.factories import Cast
from tests.support.size import Size

NUMBERS, LISTINGS, HONEST = 400, 100, 50
STATIC = "+77172990000"
Reveal = Callable[..., dict[str, Any]]


@pytest.fixture
def reveal(app: Flask, cast: Cast) -> Reveal:
    """The answer to a visitor at an address. One office with many numbers and listings."""
    office = cast.api.post("/offices", {"advertiser": cast.alatau["id"], "name": "Drained"})["id"]
    numbers = [{"e164": f"+77172991{n:03d}", "office": office} for n in range(NUMBERS)]
    for each in [*numbers, {"e164": STATIC, "office": office, "role": "static"}]:
        cast.api.post("/numbers", each)
    common = {"site": cast.site["id"], "advertiser": cast.alatau["id"], "office": office, "title": "Flat"}
    rows = "\n".join(json.dumps({**common, "external_id": f"D-{n}"}) for n in range(LISTINGS)).encode()
    cast.api.ask("POST", "/listing-imports", rows, {"Content-Type": "application/x-ndjson"})
    client = app.test_client()

    def ask(visitor: str, address: str, listing: str = "D-0", solution: str | None = None) -> dict[str, Any]:
        body = {"site": cast.site["key"], "listing": listing, "visitor": visitor, "challenge": solution}
        headers = {"Origin": "https://bosaga.kz", "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/132.0"}
        answer = client.post("/c/v1/leases", json=body, headers=headers, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == 200, answer.data
        answered: dict[str, Any] = answer.json
        return answered

    return ask


def _honest(n: int) -> tuple[str, str, str]:
    return f"honest {n}", f"198.51.{n}.7", f"D-{n % LISTINGS}"


def _leased(reveal: Reveal) -> list[dict[str, Any]]:
    return [reveal(*_honest(n)) for n in range(HONEST)]


def _learnt(answers: list[dict[str, Any]]) -> set[str]:
    return {each["number"] for each in answers if each["kind"] != "static"}


def _nobody_lost_a_lease(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    kept = sum(a["lease"] == b["lease"] and a["number"] == b["number"] for a, b in zip(before, after, strict=True))
    assert kept >= 0.99 * len(before)


def test_one_address_that_wants_everything(reveal: Reveal, size: Size) -> None:
    before = _leased(reveal)
    attack = [reveal(f"robot {n}", "203.0.112.9", f"D-{n % LISTINGS}") for n in range(size.pick(600, 10_000))]
    assert len(_learnt(attack)) <= BUDGETS["address"].plain
    kinds = Counter(each["kind"] for each in attack)
    assert kinds.keys() <= {"dynamic", "static"}
    assert {each["number"] for each in attack if each["kind"] == "static"} == {STATIC}
    _nobody_lost_a_lease(before, _leased(reveal))
    assert reveal("late and honest", "198.51.200.7")["kind"] == "dynamic"


def test_a_thousand_addresses_with_one_cookie(reveal: Reveal, size: Size) -> None:
    before = _leased(reveal)
    addresses = [f"203.{n // 250}.{n % 250}.9" for n in range(size.pick(200, 1_000))]
    attack = [reveal("robot", address, f"D-{n % LISTINGS}") for n, address in enumerate(addresses)]
    assert len(_learnt(attack)) <= BUDGETS["visitor"].plain
    _nobody_lost_a_lease(before, _leased(reveal))


def test_one_listing_that_everybody_wants_leaves_the_others_alone(reveal: Reveal) -> None:
    many = BUDGETS["listing"].plain + 20
    attack = [reveal(f"robot {n}", f"203.{n // 250}.{n % 250}.9", "D-0") for n in range(many)]
    assert Counter(each["kind"] for each in attack)["static"] == 20
    assert reveal("honest", "198.51.1.7", "D-1")["kind"] in ("dynamic", "shared")


def test_a_person_behind_a_busy_address_works_for_a_number_and_gets_it(reveal: Reveal) -> None:
    for n in range(BUDGETS["address"].plain):
        reveal(f"colleague {n}", "203.0.112.9", f"D-{n % LISTINGS}")
    refused = reveal("one more", "203.0.112.9")
    assert (refused["kind"], refused["lease"]) == ("static", None)
    solution = challenge.solve(refused["challenge"])
    given = reveal("one more", "203.0.112.9", solution=solution)
    assert given["kind"] == "dynamic"
    assert "challenge" not in given
    assert reveal("one more", "203.0.112.9")["lease"] == given["lease"]
    assert reveal("yet another", "203.0.112.9", solution=solution)["kind"] == "static", "it was used"


def test_an_excluded_address_gets_the_fixed_number(reveal: Reveal, cast: Cast) -> None:
    """People of the portal and of its offices look at listings all day."""
    cast.api.patch(f"/sites/{cast.site['id']}", {"excluded_ips": ["192.0.2.0/24", "10.1.0.0/16"]})
    assert reveal("manager", "192.0.2.77")["number"] == STATIC
    assert reveal("manager", "10.1.2.3")["number"] == STATIC
    assert reveal("visitor", "198.51.1.7")["kind"] == "dynamic"
