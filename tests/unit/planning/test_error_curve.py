"""A curve through trials never rises, meets them where they are in order, and says which number is enough."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.planning.error_curve import Curve, Trial

_errors = st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=8)


def _curve(*errors: float) -> Curve:
    """Trials with 10, 20, 40, ... numbers."""
    return Curve.through([Trial(10 * 2**index, error, 0.01) for index, error in enumerate(errors)])


def test_between_trials_logarithms_are_straight() -> None:
    curve = _curve(0.2, 0.1, 0.025)
    assert [curve.at(numbers)[0] for numbers in (10, 20, 40)] == pytest.approx([0.2, 0.1, 0.025])
    assert curve.at(28)[0] == pytest.approx(0.1 * 4 ** -math.log2(28 / 20))
    assert curve.slope(15) == pytest.approx(1.0)
    assert curve.slope(30) == pytest.approx(2.0)


def test_beyond_the_trials_nothing_is_promised() -> None:
    curve = _curve(0.2, 0.1)
    assert (curve.at(5)[0], curve.at(500)[0]) == (0.2, 0.1)
    assert (curve.slope(5), curve.slope(500)) == (0.0, 0.0)


def test_chance_that_makes_more_numbers_worse_is_evened_out() -> None:
    curve = _curve(0.3, 0.1, 0.12)
    assert [curve.at(numbers)[0] for numbers in (10, 20, 40)] == pytest.approx([0.3, 0.11, 0.11])


@given(_errors)
def test_it_never_rises(errors: list[float]) -> None:
    curve = _curve(*errors)
    found = [curve.at(numbers)[0] for numbers in range(5, 2_000, 7)]
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(found))
    assert all(curve.slope(numbers) >= 0 for numbers in range(5, 2_000, 7))


@given(_errors, st.floats(0.0, 1.0))
def test_the_number_that_is_enough_is_enough_and_one_fewer_is_not(errors: list[float], right: float) -> None:
    curve = _curve(*errors)
    numbers = curve.numbers_for(right)
    if numbers is None:
        assert curve.at(10**6)[0] > 1 - right
        return
    assert curve.at(numbers)[0] <= (1 - right) * (1 + 1e-9)
    assert numbers == 10 or curve.at(numbers - 1)[0] > (1 - right) * (1 - 1e-9)


def test_no_error_at_all_is_a_curve_too() -> None:
    curve = _curve(0.0, 0.0)
    assert curve.at(15) == (0.0, 0.01)
    assert curve.numbers_for(0.999) == 10
    assert _curve(0.1, 0.0).at(15)[0] < 0.1
