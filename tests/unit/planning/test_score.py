"""Shares, intervals and calibration, counted by hand."""

from typing import Any

import pytest

from callease.planning.score import Score, design_effect, score, wilson
from tests.support.streams import call, reveal

DAY = 86_400


def answer(of: int, reveal: int | None = None, office: str | None = "o1", class_: str | None = "organic",
           number: str | None = "n1", source: float = 1.0, session: float = 1.0) -> dict[str, Any]:  # fmt: skip
    confidence = {"office": 1.0, "source": source, "session": session}
    return {"of": of, "number": number, "office": office, "class": class_, "reveal": reveal, "confidence": confidence}


def scored(events: list[dict[str, Any]], answers: list[dict[str, Any]]) -> Score:
    found = score(events, answers)
    assert found
    return found


def test_each_question_has_its_own_answer() -> None:
    events = [reveal(0, 1), reveal(1, 2, office="o2"), call(2, 1), call(3, 2), call(4, 2), call(5, 1)]
    answers = [
        answer(1, reveal=1),
        answer(2, reveal=1, office="o2"),
        answer(2, reveal=2, office="o1", class_="direct"),
        answer(1, number=None, office=None, class_=None),
    ]
    found = scored(events, answers)
    assert (found.calls, found.unnumbered, found.numbers_called) == (4, 1, 1)
    assert (found.office.right, found.source.right, found.session.right) == (0.5, 0.5, 0.5)
    assert (found.office.null, found.source.null, found.session.null) == (0.25, 0.25, 0.25)


def test_a_session_is_visitor_and_listing() -> None:
    """Which of the visitor's reveals of that listing is named makes no difference."""
    same = [reveal(0, 1, "v"), reveal(1, 2, "v"), call(2, 1)]
    assert scored(same, [answer(1, reveal=2)]).session.right == 1
    other_listing = [reveal(0, 1, "v"), reveal(1, 2, "v", listing="o1-l2"), call(2, 1)]
    assert scored(other_listing, [answer(1, reveal=2)]).session.right == 0
    other_visitor = [reveal(0, 1, "v"), reveal(1, 2, "w"), call(2, 1)]
    assert scored(other_visitor, [answer(1, reveal=2)]).session.right == 0
    assert scored(same, [answer(1, reveal=99)]).session.right == 0


def test_gaps_of_stated_and_true() -> None:
    """Nine calls stated with 0.9, of them six right: 23.3 points off; one with 0.35, wrong: 35 points off."""
    events = [reveal(0, 1), *(call(n, 1) for n in range(1, 11))]
    answers = [answer(1, class_="organic" if n < 6 else "direct", source=0.9) for n in range(9)]
    gap = scored(events, [*answers, answer(1, class_="direct", source=0.35)]).source.gap
    assert gap
    assert gap.weighted == pytest.approx(0.9 * 70 / 3 + 0.1 * 35)
    assert gap.plain == pytest.approx((70 / 3 + 35) / 2)


def test_certainty_belongs_to_the_last_bin() -> None:
    """There one that was right and stated too low makes up for a part of one that was wrong."""
    answers = [answer(1, source=1.0, class_="direct"), answer(1, source=0.92)]
    gap = scored([reveal(0, 1), call(1, 1), call(2, 1)], answers).source.gap
    assert gap
    assert gap.plain == pytest.approx((100 - 8) / 2)


def test_what_is_not_stated_has_no_gap() -> None:
    events = [reveal(0, 1), call(1, 1), call(2, 1)]
    found = scored(events, [answer(1, class_=None, source=0.4), answer(1, source=1.0)])
    assert found.source.gap
    assert found.source.gap.weighted == 0
    assert found.source.right == 0.5
    silent = answer(1) | {"confidence": None}
    assert scored(events, [silent, silent]).office.gap is None


def test_no_call_no_score() -> None:
    assert score([reveal(0, 1)], []) is None


def test_the_interval_is_wilsons() -> None:
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(1.0, 100) == pytest.approx((0.9630, 1.0), abs=1e-4)
    events = [reveal(0, 1), *(call(n, 1) for n in range(1, 101))]
    source = scored(events, [answer(1, class_="organic" if n % 2 else "direct") for n in range(100)]).source
    assert (source.low, source.high) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_days_that_differ_widen_the_interval() -> None:
    assert design_effect([(10, 5)] * 8) == 1
    assert design_effect([(10, 10)] * 8) == 1
    assert design_effect([(40, 30)]) == 1
    # Four days all right, four all wrong: each day says no more than one call does, and one is lost to the mean.
    assert design_effect([(10, 10), (10, 0)] * 4) == pytest.approx(10 * 8 / 7)
    events = [reveal(0, 1), *(call(day * DAY + n, 1) for day in range(8) for n in range(10))]
    even = scored(events, [answer(1, class_="organic" if n % 2 else "direct") for n in range(80)]).source
    uneven = scored(events, [answer(1, class_="organic" if n // 10 % 2 else "direct") for n in range(80)]).source
    assert even.right == uneven.right == 0.5
    assert uneven.high - uneven.low > 2 * (even.high - even.low)
