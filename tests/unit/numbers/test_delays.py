"""Delays between a shown number and its calls: what is learnt is what was there, late calls or not."""

import random
from datetime import UTC, datetime, timedelta
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.delays import FIRST_SECONDS, DelayCurves, DelayLearner

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SHARES = (0.30, 0.02, 0.01, 0.05, 0.01, 0.01)
_shares = st.lists(st.floats(0, 0.15), min_size=6, max_size=6).map(tuple)


def _learnt(shares: tuple[float, ...], days: float, a_day: int) -> DelayCurves:
    """From leases of which these shares call, one in ten of the callers hidden."""
    chance = random.Random(7)
    events: list[tuple[datetime, float | None, bool]] = []
    for n in range(int(days * a_day)):
        leased_at = BEGAN + timedelta(days=n / a_day)
        events.append((leased_at, None, False))
        which = chance.random()
        for share, tau in zip(shares, FIRST_SECONDS, strict=True):
            if which < share:
                age = chance.expovariate(1 / tau)
                events.append((leased_at + timedelta(seconds=age), age, chance.random() < 0.1))
                break
            which -= share
    learner, learn_at = DelayLearner(), BEGAN
    for at, age, is_hidden in sorted(events, key=lambda each: each[0]):
        if at > BEGAN + timedelta(days=days):
            break
        if at > learn_at:
            learner.curves()
            learn_at = at + timedelta(hours=3)
        if age is None:
            learner.leased(at)
        else:
            learner.called(at, [(age, 1.0)], is_hidden)
    return learner.curves()


def test_the_shares_are_found_again() -> None:
    curves = _learnt(SHARES, days=40, a_day=400)
    young_seconds = 16 * (2**9 - 1)
    young = sum(share * (1 - exp(-young_seconds / tau)) for share, tau in zip(SHARES, FIRST_SECONDS, strict=True))
    assert sum(curves.young_calls()) == pytest.approx(young, abs=0.01)
    assert 1 - exp(-sum(curves.first)) == pytest.approx(sum(SHARES), abs=0.02)
    assert curves.hidden == pytest.approx(0.1, abs=0.02)


def test_the_curve_of_the_first_hours_is_found_whatever_its_shape() -> None:
    """Three of ten call, all of them after just two minutes: no exponential looks like that."""
    learner = DelayLearner()
    for n in range(4_000):
        at = BEGAN + timedelta(minutes=10 * n)
        learner.leased(at)
        if n % 10 < 3:
            learner.called(at + timedelta(seconds=120), [(120.0, 1.0)], False)
        if n % 500 == 0:
            learner.curves()
    curves = learner.curves()
    assert curves.first_rate(120) > 4 * curves.first_rate(20)
    assert curves.first_rate(120) > 4 * curves.first_rate(900)


def test_before_anything_was_seen_the_prior_stands() -> None:
    curves = DelayLearner().curves()
    assert curves.first == pytest.approx(DelayCurves().first)
    assert (curves.again, curves.hidden, curves.young) == (
        DelayCurves().again,
        DelayCurves().hidden,
        DelayCurves().young,
    )


def test_a_call_that_may_be_several_leases_counts_once() -> None:
    one, several = DelayLearner(), DelayLearner()
    for learner in (one, several):
        for _ in range(4):
            learner.leased(BEGAN)
    one.called(BEGAN + timedelta(seconds=60), [(60.0, 1.0)], False)
    several.called(BEGAN + timedelta(seconds=60), [(60.0, 0.25)] * 4, False)
    assert one.curves().first == pytest.approx(several.curves().first)


def test_repeats_are_learnt_from_callers_who_are_known() -> None:
    learner, at = DelayLearner(), BEGAN
    for n in range(500):
        at = BEGAN + timedelta(hours=n)
        learner.leased(at)
        learner.called(at, [(0.0, 1.0)], False)
        if n % 2:
            learner.called_again(at, 3_600.0, 1.0)
    learner.leased(at + timedelta(days=60))
    assert sum(learner.curves().again) == pytest.approx(0.5, abs=0.05)


@given(_shares)
def test_rates_fall_to_what_is_still_to_come(shares: tuple[float, ...]) -> None:
    curves = DelayCurves(first=shares)
    assert curves.still_to_come(0) == pytest.approx(sum(shares))
    ages = [0, 60, 600, 7_200, 86_400, 30 * 86_400]
    for kind in (curves.still_to_come, curves.first_rate):
        values = [kind(age) for age in ages]
        assert values == sorted(values, reverse=True)
        assert all(value >= 0 for value in values)


@given(_shares)
def test_young_calls_are_those_of_the_curve(shares: tuple[float, ...]) -> None:
    curves = DelayCurves(first=shares)
    seconds = 16 * (2**9 - 1)
    rate = sum(share * (1 - exp(-seconds / tau)) for share, tau in zip(shares, FIRST_SECONDS, strict=True))
    assert sum(curves.young_calls()) == pytest.approx(1 - exp(-rate), abs=0.01)


@given(st.lists(st.tuples(st.sampled_from(["lease", "call", "again"]), st.integers(0, 10**6)), max_size=20))
def test_what_was_learnt_survives_being_written_down(events: list[tuple[str, int]]) -> None:
    learner, at = DelayLearner(), BEGAN
    for kind, seconds in events:
        at += timedelta(seconds=seconds)
        if kind == "lease":
            learner.leased(at)
        elif kind == "call":
            learner.called(at, [(float(seconds), 1.0)], hidden=seconds % 2 == 0)
        else:
            learner.called_again(at, float(seconds), 0.5)
    learner.curves()
    again = DelayLearner.of_state(learner.state())
    assert again.state() == learner.state()
    assert again.curves() == learner.curves()
