"""What is expected of each office, from what was stated and what was counted."""

import pytest

from callease.planning.demand import Demand

OFFICES, CLASSES = ["o1", "o2"], ["a", "b"]
DAY = 86_400.0


def totals(demand: Demand, days: float) -> list[float]:
    return [sum(of.values()) * days * DAY for of in demand.rates(days * DAY)]


def test_before_anything_was_counted_the_weights_are_believed_in_part() -> None:
    first, second = totals(Demand(OFFICES, CLASSES, {"o1": 0.9, "o2": 0.1}), 1)
    assert 0.6 < first / (first + second) < 0.9


def test_what_was_counted_overrules_wrong_weights() -> None:
    demand = Demand(OFFICES, CLASSES, {"o1": 0.9, "o2": 0.1})
    for _ in range(500):
        demand.count("o2", "a")
    first, second = totals(demand, 1)
    assert second > 50 * first
    assert first + second == pytest.approx(501, rel=0.01)


def test_an_office_without_reveals_has_the_mix_of_the_others() -> None:
    demand = Demand(OFFICES, CLASSES, {})
    for _ in range(90):
        demand.count("o1", "a")
    for _ in range(10):
        demand.count("o1", "b")
    _, second = demand.rates(DAY)
    assert second["a"] / second["b"] == pytest.approx(9, rel=0.1)


def test_a_class_that_nobody_named_counts_too() -> None:
    demand = Demand(OFFICES, CLASSES, {})
    demand.count("o1", "new")
    assert demand.rates(DAY)[0]["new"] > 0


def test_weights_that_are_nothing_or_less_are_even() -> None:
    first, second = totals(Demand(OFFICES, CLASSES, {"o1": 0.0, "o2": -3.0}), 1)
    assert first == second > 0
