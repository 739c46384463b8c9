"""What is proposed about numbers, and what never is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.damage import COSTS
from callease.numbers.delays import DelayCurves
from callease.planning.holdings import Expectation, Holding, answers
from callease.planning.proposals import (
    Gain,
    Kind,
    NumberFacts,
    OfficeFacts,
    Proposal,
    in_points,
    poisson_factors,
    propose,
)

CURVES = DelayCurves()
DAYS = 28
QUARANTINE_MONTHS = 2.0


def office(
    id_: str, reveals: dict[str, int], numbers: list[NumberFacts], objective: str = "both", **more: tuple[None, ...]
) -> OfficeFacts:
    """`reveals`: counted in four weeks."""
    rates = {name: count / (DAYS * 86_400) for name, count in reveals.items()}
    return OfficeFacts(id_, rates, sum(reveals.values()), answers(COSTS[objective]), tuple(numbers), **more)


def numbers(id_: str, *classes: str | None, shown: bool = True) -> list[NumberFacts]:
    return [NumberFacts(f"{id_}-{index}", name, shown) for index, name in enumerate(classes)]


def proposed(*offices: OfficeFacts) -> list[Proposal]:
    return propose(offices, CURVES, QUARANTINE_MONTHS)


BUSY = {"a": 900, "b": 300, "c": 90}


class TestPurchases:
    def test_a_busy_office_with_one_number_needs_more(self) -> None:
        (found,) = proposed(office("o1", BUSY, numbers("n", None)))
        assert (found.kind, found.office, found.from_office, found.numbers) == (Kind.BUY, "o1", None, ())
        assert found.count >= 3
        assert found.gain.source > 0 < found.gain.session
        assert found.gain.low <= found.gain.answers <= found.gain.high

    def test_an_office_with_enough_gets_nothing(self) -> None:
        assert proposed(office("o1", {"a": 20, "b": 10}, numbers("n", *[None] * 12))) == []

    def test_an_office_that_has_none_gets_its_first(self) -> None:
        (found,) = proposed(office("o1", {"a": 30}, []))
        assert (found.kind, found.count) == (Kind.BUY, 1)
        assert found.gain.source == pytest.approx(found.gain.calls)

    def test_an_office_that_is_split_gets_numbers_for_the_classes_that_need_them(self) -> None:
        found = proposed(office("o1", {"a": 2_000, "b": 30}, numbers("n", "a", "b"), "source"))
        found += proposed(office("o1", {"a": 2_000, "b": 900}, numbers("n", "a", "b")))
        assert {each.kind for each in found} == {Kind.BUY}
        assert "a" in {each.source_class for each in found}

    def test_what_was_bought_already_is_not_bought_again(self) -> None:
        (found,) = proposed(office("o1", BUSY, numbers("n", None)))
        bought = office("o1", BUSY, numbers("n", None), coming=(None,) * found.count)
        assert proposed(bought) == []

    def test_a_few_reveals_are_no_reason(self) -> None:
        """Two a day for a few days: what they say is too uncertain for a purchase that many would be one for."""
        assert proposed(office("o1", {"a": 2, "b": 1}, numbers("n", None))) == []


class TestMoves:
    RICH = office("rich", {"a": 12}, numbers("r", *[None] * 9, shown=False))

    def test_numbers_go_where_they_are_needed(self) -> None:
        found = proposed(office("busy", BUSY, numbers("n", None, None)), self.RICH)
        moves = [each for each in found if each.kind is Kind.MOVE]
        assert moves
        assert {(each.from_office, each.office) for each in moves} == {("rich", "busy")}
        assert len({each.numbers for each in moves}) == len(moves)
        assert all(each.at_once and each.loses_meanwhile is None for each in moves)
        # What is free comes first, and purchases count on it.
        assert [each.kind for each in found] == [*(Kind.MOVE for _ in moves), Kind.BUY][: len(found)]

    def test_a_number_that_was_shown_waits_and_its_office_loses_meanwhile(self) -> None:
        poor = office("poor", {"a": 60, "b": 40}, numbers("p", None, None, None))
        found = [each for each in proposed(office("busy", BUSY, numbers("n", None)), poor) if each.kind is Kind.MOVE]
        assert found
        first = found[0]
        assert not first.at_once
        assert first.loses_meanwhile is not None
        assert first.loses_meanwhile.session < 0

    def test_one_that_nobody_has_seen_goes_first(self) -> None:
        mixed = [*numbers("s", *[None] * 4), *numbers("u", None, None, shown=False)]
        found = proposed(office("busy", BUSY, numbers("n", None)), office("rich", {"a": 12}, mixed))
        assert found[0].numbers == ("u-0",)

    def test_what_does_not_pay_within_a_year_is_left(self) -> None:
        busy, rich = (
            office("busy", BUSY, numbers("n", None)),
            replace(self.RICH, numbers=tuple(numbers("r", None, None))),
        )
        assert any(each.kind is Kind.MOVE for each in propose([busy, rich], CURVES, 2.0))
        assert not any(each.kind is Kind.MOVE for each in propose([busy, rich], CURVES, 12.0))

    def test_the_last_number_stays(self) -> None:
        idle = office("idle", {}, numbers("i", None, shown=False))
        assert all(each.kind is Kind.BUY for each in proposed(office("busy", BUSY, numbers("n", None)), idle))

    def test_what_was_declined_is_not_proposed_again(self) -> None:
        busy = office("busy", BUSY, numbers("n", None, None))
        declined = {each.key for each in proposed(busy, self.RICH)}
        assert propose([busy, self.RICH], CURVES, QUARANTINE_MONTHS, declined) == []


class TestClasses:
    def test_who_wants_sessions_is_told_to_end_a_split(self) -> None:
        split = numbers("n", "a", "b", "c", "c")
        (found, *_) = proposed(office("o1", BUSY, split, "session"))
        assert (found.kind, found.source_class) == (Kind.UNSPLIT, None)
        assert found.gain.session > 0
        assert set(found.numbers) <= {each.id for each in split}

    def test_a_number_of_a_class_that_has_died_out_serves_the_others(self) -> None:
        dead = numbers("n", "a", "z", None)
        (found, *_) = proposed(office("o1", {"a": 500, "b": 400}, dead, "both"))
        assert found.kind is Kind.UNSPLIT
        assert "n-1" in found.numbers

    def test_no_split_is_proposed_for_its_own_sake(self) -> None:
        free = [replace(each, leases={"a": 50}) for each in numbers("n", *[None] * 6)]
        assert not any(each.kind is Kind.SPLIT for each in proposed(office("o1", BUSY, free, "source")))

    def test_a_number_with_calls_that_no_lease_explains_gets_the_class_that_it_serves(self) -> None:
        known = NumberFacts("known", None, True, {"a": 95, "b": 5}, unexplained=12.0)
        (found,) = [
            each
            for each in proposed(office("o1", BUSY, [known, *numbers("n", *[None] * 14)], "source"))
            if each.kind is Kind.SPLIT
        ]
        assert (found.numbers, found.source_class) == (("known",), "a")
        assert 0 < found.gain.source <= 0.8 * 12

    def test_a_number_that_serves_several_classes_is_mixed_and_gets_none(self) -> None:
        mixed = NumberFacts("mixed", None, True, {"a": 60, "b": 40}, unexplained=12.0)
        others = numbers("n", *[None] * 14)
        assert not any(each.kind is Kind.SPLIT for each in proposed(office("o1", BUSY, [mixed, *others], "source")))


def test_the_interval_of_a_count() -> None:
    low, high = poisson_factors(100)
    assert (100 * low, 100 * high) == (pytest.approx(81.4, abs=0.1), pytest.approx(121.6, abs=0.1))
    assert poisson_factors(0) == (1.0, 1.0)
    assert poisson_factors(1)[0] < 0.1


def test_points_are_of_the_calls_concerned() -> None:
    assert in_points(Gain(source=5, session=10, calls=200)).source == 2.5
    assert in_points(Gain()).session == 0


_names = st.sampled_from(["a", "b", "c"])
_number = st.tuples(st.one_of(st.none(), _names), st.booleans(), st.dictionaries(_names, st.integers(0, 99)),
                    st.sampled_from([0.0, 9.0]))  # fmt: skip
_office = st.tuples(
    st.dictionaries(_names, st.integers(0, 2_000)), st.lists(_number, max_size=4), st.sampled_from(sorted(COSTS))
)


def _offices(
    drawn: list[tuple[dict[str, int], list[tuple[str | None, bool, dict[str, int], float]], str]],
) -> list[OfficeFacts]:
    return [
        office(
            f"o{index}",
            reveals,
            [NumberFacts(f"o{index}-{at}", *each) for at, each in enumerate(owned)],
            objective,
        )
        for index, (reveals, owned, objective) in enumerate(drawn)
    ]


@given(st.lists(_office, min_size=1, max_size=4))
def test_carried_out_in_order_nothing_gets_worse_and_nobody_is_left_without(drawn: list[tuple]) -> None:  # type: ignore[type-arg]
    offices = _offices(drawn)
    expected = {each.id: Expectation(each.rates, each.costs, CURVES) for each in offices}
    owned = {each.id: {number.id: number for number in each.numbers} for each in offices}
    began_with = {each.id for each in offices if each.numbers}

    def wrong() -> float:
        """What no lease explains is right where the number's own class says it."""
        of_leases = sum(
            of.weighed(Holding.of([number.source_class for number in owned[id_].values()]))
            for id_, of in expected.items()
        )
        said = sum(
            0.8 * number.unexplained * each.costs.source
            for each in offices
            for number in owned[each.id].values()
            if number.source_class and number.id.startswith(each.id)
        )
        return of_leases - said

    found = proposed(*offices)
    for proposal in found:
        before = wrong()
        _carry_out(proposal, owned)
        after = wrong()
        assert before - after == pytest.approx(proposal.gain.answers, abs=1e-6)
        assert after < before
        assert {id_ for id_ in began_with if owned[id_]} == began_with
    assert found == proposed(*reversed(offices)), "the order in which offices are told of decides nothing"


def _carry_out(proposal: Proposal, owned: dict[str, dict[str, NumberFacts]]) -> None:
    mine = owned[proposal.office]
    if proposal.kind is Kind.BUY:
        assert proposal.owned == len(mine)
        bought = (f"new-{proposal.office}-{len(mine) + at}" for at in range(proposal.count))
        mine.update({id_: NumberFacts(id_, proposal.source_class) for id_ in bought})
    for id_ in proposal.numbers:
        if proposal.from_office:
            mine[id_] = replace(owned[proposal.from_office].pop(id_), source_class=proposal.source_class)
        else:
            mine[id_] = replace(mine[id_], source_class=proposal.source_class)
