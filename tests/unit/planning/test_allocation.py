"""Numbers among offices: where one more saves most."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.damage import COSTS
from callease.numbers.delays import DelayCurves
from callease.planning.allocation import ErrorCurve, allocate

CURVES = DelayCurves()
DAY = 86_400
_rates = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 500).map(lambda a_day: a_day / DAY), min_size=1)
_objectives = st.sampled_from(sorted(COSTS))


def test_as_many_numbers_as_classes_make_the_source_certain() -> None:
    rates = dict.fromkeys("abc", 40 / DAY)
    curve = ErrorCurve(rates, COSTS["source"], CURVES)
    assert curve.errors(1) > curve.errors(2) > 20 * curve.errors(3)


def test_the_busier_office_gets_more() -> None:
    busy, quiet = (dict.fromkeys("abcdef", a_day / DAY) for a_day in (200, 2))
    of_busy, of_quiet = allocate([busy, quiet], 12, COSTS["both"], CURVES)
    assert of_busy > of_quiet >= 1
    assert of_busy + of_quiet == 12


def test_an_office_of_one_class_needs_one_number_for_its_source() -> None:
    plain, mixed = {"a": 100 / DAY}, dict.fromkeys("abcde", 20 / DAY)
    assert allocate([plain, mixed], 6, COSTS["source"], CURVES) == [1, 5]


@given(st.lists(_rates, min_size=1, max_size=6), st.integers(0, 40), _objectives)
def test_none_goes_without_and_none_is_left_over(demand: list[dict[str, float]], more: int, objective: str) -> None:
    numbers = len(demand) + more
    owned = allocate(demand, numbers, COSTS[objective], CURVES)
    assert sum(owned) == numbers
    assert min(owned) >= 1


@given(_rates, _objectives)
def test_one_more_number_never_does_harm(rates: dict[str, float], objective: str) -> None:
    curve = ErrorCurve(rates, COSTS[objective], CURVES)
    errors = [curve.errors(numbers) for numbers in range(1, 12)]
    assert all(more <= fewer + 1e-12 for fewer, more in pairwise(errors))
