"""What a stream of events says of its own delays."""

import random

from callease.planning.situation import of_events
from callease.planning.traffic import Traffic

_SIX_HOURS = 21_600.0
_DRAWN = 20_000


def test_late_calls_are_learnt_as_late_as_they_are() -> None:
    traffic = Traffic(reveals_a_day=200, offices=4, classes=2, days=60, late_share=0.5, tail="heavy", seed=3)
    learnt = of_events(traffic.events(), "both").traffic
    assert abs(_late(learnt) / _late(traffic) - 1) < 0.06


def _late(traffic: Traffic) -> float:
    """The share of reveals that bring their first call after more than six hours."""
    rng = random.Random(5)
    delays = [traffic.first_call(rng) for _ in range(_DRAWN)]
    return sum(delay is not None and delay > _SIX_HOURS for delay in delays) / _DRAWN
