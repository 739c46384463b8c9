"""What follows from a curve: intervals as wide as what is not known, and purchases that are worth their numbers."""

from dataclasses import replace

import pytest

from callease.planning.error_curve import Curve, Trial
from callease.planning.sizing import Certainty, Estimate, Sizing

MUCH = Certainty(1e9, 1e9)


def _sizing(certainty: Certainty = MUCH, spread: float = 0.0) -> Sizing:
    """Ten offices; twice the numbers halve the errors, of sessions ten times as many as of sources."""
    numbers = (10, 20, 40, 80)
    curves = {
        name: Curve.through([Trial(count, error * 10 / count, spread) for count in numbers])
        for name, error in (("office", 0.0), ("source", 0.04), ("session", 0.4))
    }
    sizing = Sizing(10, (), {}, curves, certainty)
    return replace(sizing, tried=[sizing.at(count) for count in numbers])


def _width(certainty: Certainty, spread: float = 0.0) -> float:
    of = _sizing(certainty, spread).at(20).source
    return of.high - of.low


def test_little_that_is_known_promises_little() -> None:
    given, few, many = Certainty(), Certainty(100, 10), Certainty(100_000, 10_000)
    assert _width(few) > _width(given) > _width(many) > _width(MUCH)
    assert _width(MUCH, spread=0.01) == pytest.approx(2 * 1.96 * 0.01, rel=0.01)


def test_nothing_wrong_may_still_be_wrong_on_one_side() -> None:
    assert _sizing(spread=0.01).at(20).office == Estimate(1.0, pytest.approx(1 - 4 * 0.98 * 0.01), 1.0)


def test_an_interval_stays_within_what_can_be() -> None:
    of = _sizing(Certainty(1, 0), spread=0.5).at(10).session
    assert (of.low, of.high) == (0.0, 1.0)


def test_purchases_grow_and_gain() -> None:
    purchases = _sizing().purchases(20)
    assert [each.more for each in purchases] == [2, 5, 10, 20]
    assert purchases[-1].source_gain == pytest.approx(0.01)
    assert purchases[-1].session_gain == pytest.approx(0.1)
    assert purchases[-1].then.numbers == 40
    assert [each.more for each in _sizing().purchases(60)] == [6, 15], "not beyond what was tried"


def test_the_next_best_is_the_smallest_that_is_worth_it() -> None:
    best = _sizing().next_best(20)
    assert best
    assert best.more == 2
    assert _sizing().next_best(80) is None
