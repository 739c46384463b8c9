"""Drawn traffic has the rates and shares that it was asked for, and comes again from the same seed."""

import math
import random
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from statistics import fmean, median, pvariance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callease.planning.replay_input import checked, numbers_file
from callease.planning.traffic import PRESETS, Event, Tail, Traffic, first_call_delay
from tests.support.streams import as_lines

FOUR_WEEKS = Traffic(reveals_a_day=1_000, offices=20, days=28, tail="light", seed=5)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(FOUR_WEEKS.events())


def reveals(events: list[Event]) -> list[Event]:
    return [event for event in events if event["kind"] == "reveal"]


def calls(events: list[Event]) -> list[Event]:
    return [event for event in events if event["kind"] == "call"]


def test_a_seed_gives_the_same_traffic_again(events: list[Event]) -> None:
    assert list(FOUR_WEEKS.events()) == events
    assert list(replace(FOUR_WEEKS, seed=6).events()) != events


def test_time_goes_forward_and_ids_are_unique(events: list[Event]) -> None:
    times = [event["t"] for event in events]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 28 * 86_400
    ids = [event["id"] for event in reveals(events)]
    assert len(set(ids)) == len(ids)
    assert ids != sorted(ids)


@settings(max_examples=25)
@given(
    st.builds(
        Traffic,
        reveals_a_day=st.floats(1, 300),
        offices=st.integers(1, 30),
        classes=st.integers(1, 15),
        days=st.floats(0.1, 3),
        seed=st.integers(),
        hidden_share=st.sampled_from([0.0, 0.5, 1.0]),
        tail=st.sampled_from(["light", "lognormal", "weibull", "heavy"]),
        weights=st.sampled_from(["true", "stale", "shuffled"]),
    )
)
def test_any_traffic_is_fit_for_a_replay(traffic: Traffic) -> None:
    events = list(traffic.events())
    assert list(checked(as_lines(events), set(traffic.office_ids), set(traffic.class_names))) == events
    (numbers,) = as_lines([traffic.numbers_file(40)])
    assert numbers_file(numbers) == traffic.numbers_file(40)


def test_rates_and_shares(events: list[Event]) -> None:
    shown, rung = reveals(events), calls(events)
    assert len(shown) == pytest.approx(28_000, rel=0.05)
    assert len({call["of"] for call in rung}) / len(shown) == pytest.approx(0.40, abs=0.02)
    # Some repeats come after the end.
    assert 1 - len({call["of"] for call in rung}) / len(rung) == pytest.approx(0.31, abs=0.03)
    assert fmean(call["caller"] is None for call in rung) == pytest.approx(0.03, abs=0.01)
    visitors = Counter(reveal["visitor"] for reveal in shown)
    visits = 28_000 * 0.8
    assert len(visitors) == pytest.approx(visits * 0.85, rel=0.05)
    again = Counter((reveal["visitor"], reveal["listing"]) for reveal in shown)
    assert 1 - len(again) / len(shown) > 0.03


def test_offices_by_zipf_with_a_mix_of_classes_of_their_own(events: list[Event]) -> None:
    by_office = Counter(reveal["office"] for reveal in reveals(events))
    whole = sum(1 / rank for rank in range(1, 21))
    assert by_office["o1"] / by_office.total() == pytest.approx(1 / whole, rel=0.1)
    assert by_office["o10"] / by_office.total() == pytest.approx(0.1 / whole, rel=0.2)
    mixes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for reveal in reveals(events):
        mixes[reveal["office"]][reveal["class"]] += 1
    of_first = [mix["paid_search"] / mix.total() for mix in mixes.values()]
    assert max(of_first) - min(of_first) > 0.2
    assert len(mixes["o1"]) == 6


def test_nights_weekends_and_bursts(events: list[Event]) -> None:
    hours = Counter(int(reveal["t"] // 3_600) for reveal in reveals(events))
    by_hour = [fmean(hours[day * 24 + hour] for day in range(28)) for hour in range(24)]
    assert by_hour[14] > 4 * by_hour[3]
    by_day = [sum(hours[day * 24 + hour] for hour in range(24)) for day in range(28)]
    weekend = fmean(by_day[day] for day in range(28) if day % 7 >= 5)
    assert weekend / fmean(by_day[day] for day in range(28) if day % 7 < 5) == pytest.approx(0.7, abs=0.08)
    calm = Counter(
        int(reveal["t"] // 3_600) for reveal in replace(FOUR_WEEKS, burst_factor=1.0).events() if "id" in reveal
    )
    assert pvariance(hours.values()) > 1.1 * pvariance(calm.values())


@pytest.mark.parametrize(
    ("tail", "days"),
    [("light", 0.5 * math.log(2)), ("lognormal", 0.5), ("weibull", 0.58 * math.log(2) ** (1 / 0.46)), ("heavy", 0.9)],
)
def test_the_late_part_of_delays(tail: Tail, days: float) -> None:
    rng = random.Random(1)
    late = [first_call_delay(Traffic(tail=tail, late_share=1.0), rng) for _ in range(20_000)]
    assert median(late) / 86_400 == pytest.approx(days, rel=0.05)


def test_most_first_calls_come_within_minutes() -> None:
    rng = random.Random(1)
    delays = [first_call_delay(Traffic(), rng) for _ in range(20_000)]
    assert fmean(delay < 1_800 for delay in delays) == pytest.approx(0.86, abs=0.02)
    soon = [first_call_delay(Traffic(late_share=0.0), rng) for _ in range(20_000)]
    assert median(soon) == pytest.approx(150, rel=0.05)


def test_everybody_hides() -> None:
    traffic = replace(FOUR_WEEKS, days=2, hidden_share=1.0)
    assert {call["caller"] for call in calls(list(traffic.events()))} == {None}


def test_nobody_comes_again() -> None:
    traffic = replace(FOUR_WEEKS, days=2, returning_share=0.0, more_reveals_share=0.0, second_device_share=0.0)
    events = list(traffic.events())
    assert max(Counter(reveal["visitor"] for reveal in reveals(events)).values()) == 1
    assert _visitors_of_callers(events) == {1}


def test_a_second_device_is_another_visitor_with_the_same_phone(events: list[Event]) -> None:
    assert 2 in _visitors_of_callers(events)


def _visitors_of_callers(events: list[Event]) -> set[int]:
    """How many visitors one caller has been."""
    visitor_of = {reveal["id"]: reveal["visitor"] for reveal in reveals(events)}
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for call in calls(events):
        if call["caller"] is not None:
            seen[call["caller"]].add(visitor_of[call["of"]])
    return {len(visitors) for visitors in seen.values()}


def test_further_reveals_of_a_visit_come_minutes_later_and_may_be_of_the_same_listing() -> None:
    traffic = replace(FOUR_WEEKS, days=2, returning_share=0.0, more_reveals_share=0.5, same_listing_share=1.0)
    of_visitor: defaultdict[str, list[Event]] = defaultdict(list)
    for reveal in reveals(list(traffic.events())):
        of_visitor[reveal["visitor"]].append(reveal)
    assert max(map(len, of_visitor.values())) > 3
    assert {len({reveal["listing"] for reveal in each}) for each in of_visitor.values()} == {1}
    gaps = [after["t"] - before["t"] for each in of_visitor.values() for before, after in pairwise(each)]
    assert fmean(gaps) == pytest.approx(240, rel=0.1)


def test_stated_weights() -> None:
    def stated(traffic: Traffic) -> list[float]:
        return [office["weight"] for office in traffic.numbers_file(60)["offices"]]

    true = stated(Traffic())
    assert true == sorted(true, reverse=True)
    assert sum(true) == pytest.approx(1)
    shuffled = stated(Traffic(weights="shuffled"))
    assert shuffled != true
    assert sorted(shuffled) == pytest.approx(sorted(true))
    stale = stated(Traffic(weights="stale"))
    assert sum(stale) == pytest.approx(1)
    assert sorted(stale) != pytest.approx(sorted(true))
    assert sum(stale[:20]) > sum(stale[40:])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hidden_share": 1.5}, "hidden_share is not between 0 and 1"),
        ({"repeat_share": 0.99}, "repeat_share is not between 0 and 0.9"),
        ({"reveals_a_day": 0}, "reveals_a_day is not above 0"),
        ({"offices": 0}, "offices is not at least 1"),
        ({"days": math.inf}, "days is not a number"),
        ({"tail": "long"}, "tail is none of light, lognormal, weibull, heavy"),
        ({"weights": "old"}, "weights is none of true, stale, shuffled"),
    ],
)
def test_what_cannot_be(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Traffic(**wrong)  # type: ignore[arg-type]


def test_presets() -> None:
    assert {name: (each.reveals_a_day, each.offices, each.classes) for name, each in PRESETS.items()} == {
        "small": (200, 20, 6),
        "medium": (2_000, 60, 6),
        "large": (20_000, 200, 6),
    }
