"""The trade's policies on streams whose answers can be said beforehand."""

import pytest

from callease.planning.policies import KEPT_SECONDS, NAMES, PAGES_A_REVEAL, Event, make, play, shares
from callease.planning.traffic import Traffic
from tests.support.streams import call, reveal

WEIGHTS = {"o1": 0.6, "o2": 0.4}
LATER = KEPT_SECONDS + 1


def answers(name: str, numbers: int, *events: Event) -> list[tuple[str | None, int | None]]:
    """The office and the reveal that each call is said to belong to."""
    policy = make(name, numbers, WEIGHTS, seed=1)
    return [(answer["office"], answer["reveal"]) for answer in play(policy, events)]


@pytest.mark.parametrize("name", NAMES)
def test_a_call_soon_after_its_reveal(name: str) -> None:
    assert answers(name, 40, reveal(0, 7), call(60, 7)) == [("o1", 7)]


@pytest.mark.parametrize("name", ["oldest", "oldest+memory"])
def test_the_oldest_number_moves_on_to_the_next_visitor(name: str) -> None:
    """Whoever calls late reaches the wrong office."""
    stream = [reveal(0, 1), reveal(10, 2), reveal(20, 3, office="o2"), call(30, 1), call(40, 2)]
    assert answers(name, 2, *stream) == [("o2", 3), ("o1", 2)]


def test_memory_keeps_a_caller_where_the_first_call_went() -> None:
    stream = [reveal(0, 1), call(5, 1, "c1"), reveal(10, 2, office="o2"), call(20, 1, "c1"), call(30, 2, "c2")]
    assert answers("oldest", 1, *stream) == [("o1", 1), ("o2", 2), ("o2", 2)]
    assert answers("oldest+memory", 1, *stream) == [("o1", 1), ("o1", 1), ("o2", 2)]


def test_nobody_remembers_a_hidden_caller() -> None:
    stream = [reveal(0, 1), call(5, 1, None), reveal(10, 2, office="o2"), call(20, 1, None)]
    assert answers("oldest+memory", 1, *stream) == [("o1", 1), ("o2", 2)]


def test_memory_is_of_a_number_and_a_caller() -> None:
    """The same caller at another number is a new call."""
    stream = [reveal(0, 1), call(5, 1), reveal(10, 2, office="o2"), call(20, 2)]
    assert answers("oldest+memory", 2, *stream) == [("o1", 1), ("o2", 2)]


def test_a_random_number_is_free_again_after_the_time_out() -> None:
    held = [reveal(0, 1), reveal(10, 2), reveal(20, 3), call(30, 3)]
    assert answers("random", 2, *held) == [(None, None)], "both numbers are held"
    again = [reveal(0, 1), reveal(10, 2), reveal(LATER, 3, office="o2"), call(LATER + 1, 1), call(LATER + 2, 2)]
    assert answers("random", 2, *again) == [("o2", 3), ("o1", 2)], "only the first one is free"


def test_random_is_not_in_turn() -> None:
    stream = [each for n in range(200) for each in (reveal(n * LATER, n), call(n * LATER + 1, n))]
    numbers = [answer["number"] for answer in play(make("random", 10, WEIGHTS, 1), stream)]
    assert len(set(numbers[:10])) < 10
    assert len(set(numbers)) == 10


def test_numbers_taken_on_page_load_are_gone_sooner() -> None:
    """By the next reveal all the other pages have taken numbers, which nobody asked for."""
    stream = [reveal(0, 1), reveal(10, 2, office="o2"), call(20, 1)]
    assert answers("oldest", 2, *stream) == [("o1", 1)]
    assert answers("load", PAGES_A_REVEAL - 1, *stream) == [("o1", None)], "a page like that of the first reveal"
    assert answers("load", PAGES_A_REVEAL, *stream) == [("o2", 2)]
    assert answers("load", PAGES_A_REVEAL + 1, *stream) == [("o1", 1)]


@pytest.mark.parametrize("name", NAMES)
def test_a_visitor_who_asks_again_keeps_the_number_for_a_while(name: str) -> None:
    once = [reveal(0, 1, visitor="v"), reveal(LATER - 2, 2, visitor="v")]
    policy = make(name, 400, WEIGHTS, seed=1)
    first, second = play(policy, [*once, call(LATER - 1, 1), call(LATER - 1, 2)])
    assert (first["number"], first["reveal"]) == (second["number"], second["reveal"]) == (second["number"], 1)
    (third,) = play(policy, [reveal(LATER, 3, visitor="v"), call(LATER + 1, 3)])
    assert third["reveal"] == 3


@pytest.mark.parametrize("name", ["owned", "owned+memory"])
def test_an_owned_number_never_leaves_its_office(name: str) -> None:
    """One number an office: the visitor may be wrong, the office cannot be."""
    stream = [reveal(0, 1), reveal(10, 2), reveal(20, 3, office="o2"), call(30, 1), call(40, 3)]
    assert answers(name, 2, *stream) == [("o1", 2), ("o2", 3)]


def test_owned_offices_are_always_right() -> None:
    traffic = Traffic(reveals_a_day=500, offices=10, days=3)
    events = list(traffic.events())
    office_of = {event["id"]: event["office"] for event in events if event["kind"] == "reveal"}
    owner = {}
    for answer in play(make("owned", 25, dict.fromkeys(traffic.office_ids, 1.0), 1), events):
        assert answer["office"] == office_of[answer["of"]]
        assert owner.setdefault(answer["number"], answer["office"]) == answer["office"]
    assert len(owner) == 25


def test_shares() -> None:
    assert shares(2, WEIGHTS) == {"o1": 1, "o2": 1}
    assert shares(12, WEIGHTS) == {"o1": 7, "o2": 5}
    assert shares(4, {"o1": 0.9, "o2": 0.1}) == {"o1": 3, "o2": 1}, "1.8 and 0.2 of the two that are left"
    assert shares(5, {"o1": 0.8, "o2": 0.2}) == {"o1": 3, "o2": 2}, "2.4 and 0.6 of the three that are left"
    assert shares(5, {"o1": 0.0, "o2": 0.0}) == {"o1": 3, "o2": 2}
    assert sum(shares(97, {f"o{n}": 1 / n for n in range(1, 30)}).values()) == 97
    with pytest.raises(ValueError, match="fewer numbers than offices"):
        shares(1, WEIGHTS)
