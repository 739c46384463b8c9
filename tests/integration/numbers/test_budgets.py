"""Budgets of leases: who asks too often is found out, nobody beside him is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from callease.numbers import budgets
from callease.numbers.budgets import Asker, Budget, BudgetSpent, guard_of, network_of
from callease.web.services import Services

FEW = {
    "visitor": Budget(2, 4),
    "address": Budget(4, 8),
    "network": Budget(6, 12),
    "listing": Budget(8, 16),
    "office": Budget(10, 20),
    "site": Budget(14, 28),
}
ANYBODY = Asker("sit_1", "off_1", "subject", None, None, "lst_1", lease_seconds=1_800)


@pytest.fixture
def ask(parts: Services, monkeypatch: pytest.MonkeyPatch) -> Callable[[Asker], str | None]:
    """The budget that forbids it."""
    monkeypatch.setattr(budgets, "BUDGETS", FEW)

    def asking(asker: Asker) -> str | None:
        guard = guard_of(asker)
        try:
            guard.check(parts.redis.run(guard.call))
        except BudgetSpent as error:
            assert 0 < error.retry_after <= 3_600
            return error.budget
        return None

    return asking


def asked(ask: Callable[[Asker], str | None], times: int, **facts: str) -> list[str | None]:
    name = next(iter(facts.values()), "")
    return [ask(replace(ANYBODY, subject=f"{name} {n}", **facts)) for n in range(times)]


def test_a_visitor_has_so_many(ask: Callable[[Asker], str | None]) -> None:
    assert asked(ask, 3, visitor="v1") == [None, None, "visitor"]
    assert asked(ask, 2, visitor="v2") == [None, None]


def test_what_was_given_is_given_again(ask: Callable[[Asker], str | None]) -> None:
    assert asked(ask, 3, visitor="v1")[-1] == "visitor"
    assert asked(ask, 2, visitor="v1") == [None, None]


def test_a_budget_lasts_as_long_as_the_longest_lease(ask: Callable[[Asker], str | None], parts: Services) -> None:
    """Whoever holds a number must not become suspicious by asking for it again."""
    for site, seconds in (("sit_short", 60), ("sit_long", 86_400)):
        ask(replace(ANYBODY, site_id=site, lease_seconds=seconds))
        lasts = parts.redis.call(lambda client, site=site: client.ttl(f"callease:{{{site}}}:listing:lst_1"))
        assert lasts == pytest.approx(max(3_600, seconds), abs=5)


def test_many_visitors_of_one_address_are_one_machine(ask: Callable[[Asker], str | None]) -> None:
    found = [ask(replace(ANYBODY, subject=f"s{n}", visitor=f"v{n}", address="203.0.113.9")) for n in range(5)]
    assert found == [None] * 4 + ["address"]
    assert ask(replace(ANYBODY, subject="other", visitor="w", address="203.0.113.10")) is None


def test_neighbours_are_one_network(ask: Callable[[Asker], str | None]) -> None:
    found = [ask(replace(ANYBODY, subject=f"s{n}", address=f"203.0.113.{n}")) for n in range(7)]
    assert found == [None] * 6 + ["network"]
    assert ask(replace(ANYBODY, subject="other", address="203.0.114.1")) is None


def test_a_listing_that_everybody_drains(ask: Callable[[Asker], str | None]) -> None:
    found = [ask(replace(ANYBODY, subject=f"s{n}", address=f"203.0.{n}.1")) for n in range(9)]
    assert found == [None] * 8 + ["listing"]
    assert ask(replace(ANYBODY, subject="other", listing="lst_2")) is None
    assert ask(replace(ANYBODY, subject="other", site_id="sit_2")) is None


def test_an_office_s_drain_ends_before_others_feel_it(ask: Callable[[Asker], str | None]) -> None:
    drain = [ask(replace(ANYBODY, subject=f"s{n}", listing=f"lst_{n}")) for n in range(30)]
    assert drain == [None] * 10 + ["office"] * 20
    others = [ask(replace(ANYBODY, subject=f"o{n}", office_id="off_2", listing=f"lst_o{n}")) for n in range(5)]
    assert others == [None] * 4 + ["site"]


def test_who_has_worked_gets_more_but_once_a_challenge(ask: Callable[[Asker], str | None]) -> None:
    assert asked(ask, 3, visitor="v1")[-1] == "visitor"
    third = replace(ANYBODY, subject="v1 3", visitor="v1")
    assert ask(replace(third, proof="one")) is None
    fourth = replace(third, subject="v1 4")
    assert ask(replace(fourth, proof="one")) == "visitor", "used before"
    assert ask(replace(fourth, proof="two")) is None
    assert ask(replace(third, subject="v1 5", proof="three")) == "visitor", "there is an end to it"


def test_who_is_refused_is_not_counted(ask: Callable[[Asker], str | None]) -> None:
    for n in range(20):
        ask(replace(ANYBODY, subject=f"s{n}", visitor="greedy", address="203.0.113.9"))
    assert [ask(replace(ANYBODY, subject=f"t{n}", visitor="other", address="203.0.113.9")) for n in range(2)] == [
        None
    ] * 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("203.0.113.9", "203.0.113.200", True), ("203.0.113.9", "203.0.114.9", False),
     ("2001:db8:1:2::", "2001:db8:1:3::", True), ("2001:db8:1::", "2001:db8:2::", False)],
)  # fmt: skip
def test_what_a_network_is(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
