"""What is promised before numbers are bought is what a replay of another stream of the same portal then gives."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from callease.planning.allocation import Rates
from callease.planning.replay import Setup, replay
from callease.planning.score import Score, score
from callease.planning.seen_traffic import seen_traffic
from callease.planning.situation import of_events
from callease.planning.sizing import Certainty, Sizing
from callease.planning.sizing import size as sized
from callease.planning.traffic import DAY_SECONDS, PRESETS, Traffic
from tests.support.size import Size

Tell = Callable[[str, object], None]
_POINT = 0.01


def _portal(traffic: Traffic) -> dict[str, Rates]:
    """Reveals a second of its offices, each with classes of its own."""
    shares = traffic.class_shares(random.Random(f"portal {traffic.seed}"))
    whole = traffic.reveals_a_day / DAY_SECONDS
    return {
        office: {name: whole * weight * part for name, part in zip(traffic.class_names, of, strict=True)}
        for office, weight, of in zip(traffic.office_ids, traffic.office_shares(), shares, strict=True)
    }


def _replayed(traffic: Traffic, numbers: int) -> Score:
    events = list(traffic.events())
    found = score(events, replay(Setup.read(traffic.numbers_file(numbers)), "both", events))
    assert found
    return found


def _promised(seen: Traffic, reveals: float, numbers: int) -> Sizing:
    situation = of_events(seen.events(), "both")
    return sized(situation.traffic, "both", situation.certainty, numbers, lambda _: None, reveals)


def test_a_promise_from_one_stream_holds_in_another(size: Size, figure: Tell) -> None:
    """Small: the replay's figure is within the promised interval. Soak: within a point of what was promised."""
    traffic = Traffic(reveals_a_day=60, offices=8, classes=3, days=30, tail="heavy", seed=41)
    reveals, days = 600.0, 30.0
    if size.name == "soak":
        traffic, reveals, days = replace(PRESETS["medium"], tail="heavy", days=14, seed=41), 20_000.0, 30.0
    rates, numbers = _portal(traffic), 3 * traffic.offices
    promise = _promised(seen_traffic(rates, None, traffic), reveals, numbers).at(numbers)
    given = _replayed(seen_traffic(rates, None, replace(traffic, seed=1_041, days=days)), numbers)
    for name in ("office", "source", "session"):
        promised, right = getattr(promise, name), getattr(given, name)
        figure(f"{name}, promised and given", (round(promised.right, 4), round(right.right, 4)))
        assert right.low <= promised.high
        assert promised.low <= right.high
        if size.name == "soak":
            assert abs(promised.right - right.right) <= _POINT


def test_fewer_numbers_than_offices_are_refused() -> None:
    with pytest.raises(ValueError, match="3 numbers are fewer than 60 offices"):
        sized(Traffic(), "both", Certainty(), 3, lambda _: None)
