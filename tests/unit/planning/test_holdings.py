"""What numbers are worth to an office, by how many they are and which classes they are for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.damage import COSTS, Costs
from callease.numbers.delays import DelayCurves
from callease.planning.holdings import Expectation, Holding, answers, costs_of_sites

CURVES = DelayCurves()
DAY = 86_400
CLASSES = "abcdef"
_rates = st.dictionaries(
    st.sampled_from(CLASSES), st.floats(0.1, 300).map(lambda a_day: a_day / DAY), min_size=1, max_size=5
)
_objectives = st.sampled_from(sorted(COSTS))
_classes = st.lists(st.sampled_from([*CLASSES, None]), max_size=8)


def expect(rates: dict[str, float], objective: str = "both") -> Expectation:
    return Expectation(rates, answers(COSTS[objective]), CURVES)


def test_a_holding_is_what_its_numbers_are_for() -> None:
    holding = Holding.of(["b", None, "a", "b", None])
    assert holding == Holding((("a", 1), ("b", 2)), 2)
    assert holding.plus("b", -2) == Holding((("a", 1),), 2)
    assert holding.plus("c", 1).plus(None, -2) == Holding((("a", 1), ("b", 2), ("c", 1)), 0)


def test_without_a_number_every_call_is_wrong() -> None:
    expected = expect({"a": 10 / DAY})
    nothing = expected.wrong(Holding())
    assert nothing.source == nothing.session == pytest.approx(expected.calls)
    assert expected.wrong(Holding((), 1)).session < 0.5 * nothing.session


def test_an_office_of_one_class_is_certain_of_its_source() -> None:
    assert expect({"a": 100 / DAY}).wrong(Holding((), 1)).source == 0


def test_who_wants_the_session_loses_some_of_it_by_a_split_and_who_wants_the_source_hardly() -> None:
    rates = {"a": 60 / DAY, "b": 20 / DAY, "c": 5 / DAY}
    split, free = Holding.of(["a", "b", "c", "c"]), Holding((), 4)
    session = expect(rates, "session")
    assert session.wrong(split).session > 1.1 * session.wrong(free).session
    source = expect(rates, "source")
    assert source.weighed(split) < 1.3 * source.weighed(free)


def test_a_class_without_a_number_is_lent_one() -> None:
    expected = expect({"a": 20 / DAY, "b": 2 / DAY}, "source")
    lent = expected.wrong(Holding.of(["a"]))
    assert 0 < lent.source < 0.2 * expected.calls
    # A number whose own class has died out is lent without harm.
    assert expected.wrong(Holding.of(["a", "z"])).source == 0
    # And it is idle where there are numbers for any class.
    assert expected.wrong(Holding.of(["a", "z", None])) == expected.wrong(Holding.of(["a", None]))


@given(_rates, _classes, _objectives)
def test_no_split_by_hand_does_better(rates: dict[str, float], classes: list[str | None], objective: str) -> None:
    expected = expect(rates, objective)
    by_hand = expected.weighed(Holding.of(classes))
    assert expected.weighed(Holding((), len(classes))) <= by_hand * (1 + 1e-9)


@given(_rates, _objectives)
def test_more_numbers_never_do_harm(rates: dict[str, float], objective: str) -> None:
    expected = expect(rates, objective)
    wrong = [expected.weighed(Holding((), numbers)) for numbers in range(14)]
    assert all(more <= fewer + 1e-9 for fewer, more in pairwise(wrong))


@given(_rates, _classes)
def test_never_more_wrong_answers_than_calls(rates: dict[str, float], classes: list[str | None]) -> None:
    expected = expect(rates)
    wrong = expected.wrong(Holding.of(classes))
    assert 0 <= wrong.source <= expected.calls * (1 + 1e-9)
    assert 0 <= wrong.session <= expected.calls * (1 + 1e-9)


def test_costs_are_counted_in_answers_of_the_kind_that_is_wanted() -> None:
    assert answers(COSTS["source"]) == Costs(0.002, 1.0)
    assert answers(COSTS["both"]) == Costs(pytest.approx(1 / 1.2), 1.0)


def test_an_office_on_several_sites_wants_what_its_reveals_want() -> None:
    assert costs_of_sites({"session": 5.0}, COSTS) == answers(COSTS["session"])
    assert costs_of_sites({}, COSTS) == answers(COSTS["both"])
    mostly = costs_of_sites({"session": 9.0, "source": 1.0}, COSTS)
    assert mostly.session == 1.0
    assert answers(COSTS["session"]).source < mostly.source < 0.2
