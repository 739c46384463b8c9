"""What a further lease does to those before it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.damage import COVER, PastLease, Spent, sums_of, warm_since
from callease.numbers.delays import FIRST_SECONDS

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ONES = pytest.approx([1.0] * len(FIRST_SECONDS))
_leases = st.lists(
    st.builds(
        PastLease,
        number_id=st.just("num_1"),
        source_class=st.sampled_from(["organic", "social"]),
        leased_at=st.integers(0, 10**7).map(lambda seconds: BEGAN + timedelta(seconds=seconds)),
        pending=st.floats(0, 1),
    ),
    min_size=1,
    max_size=12,
).map(lambda leases: sorted(leases, key=lambda each: each.leased_at))


def test_one_lease_is_all_to_come() -> None:
    sums = sums_of([PastLease("num_1", "organic", BEGAN)])["num_1"]
    assert sums.by_class["organic"] == ONES
    assert sums.sessions == ONES


def test_a_covered_session_counts_half_and_its_class_whole() -> None:
    sums = sums_of([PastLease("num_1", "organic", BEGAN), PastLease("num_1", "social", BEGAN)])["num_1"]
    assert sums.by_class["organic"] == ONES
    assert sums.sessions == pytest.approx([1.0 + COVER] * len(FIRST_SECONDS))


def test_a_lease_falls_by_its_components() -> None:
    day = timedelta(days=1)
    leases = [PastLease("num_1", "organic", BEGAN), PastLease("num_1", "social", BEGAN + day)]
    organic = sums_of(leases)["num_1"].by_class["organic"]
    assert organic[0] < 1e-9
    assert organic[-1] > 0.9


@given(_leases)
def test_sessions_are_never_more_than_all_and_never_less_than_the_newest(leases: list[PastLease]) -> None:
    sums = sums_of(leases)["num_1"]
    whole = [sum(each) for each in zip(*sums.by_class.values(), strict=True)]
    for session, all_ in zip(sums.sessions, whole, strict=True):
        assert leases[-1].pending - 1e-9 <= session <= all_ + 1e-9


@given(_leases)
def test_a_spent_lease_is_as_if_it_had_not_been(leases: list[PastLease]) -> None:
    spent = PastLease("num_1", "email", leases[-1].leased_at, pending=0.0)
    without, with_it = sums_of(leases)["num_1"], sums_of([*leases, spent])["num_1"]
    assert with_it.sessions == pytest.approx(without.sessions)
    assert with_it.by_class.pop("email") == pytest.approx([0.0] * len(FIRST_SECONDS))
    assert with_it.by_class.keys() == without.by_class.keys()


def test_what_is_covered_twice_counts_a_quarter() -> None:
    assert Spent("organic", BEGAN, 1.0, covered_by=2.0).uncovered == COVER**2
    assert Spent("organic", BEGAN, 1.0, covered_by=2.0).restores == 1.0
    assert Spent("organic", BEGAN, 1.0, covered_by=0.0).restores == 1 / COVER


def test_a_number_is_warm_since_its_newest_lease_that_may_call() -> None:
    day = timedelta(days=1)
    assert warm_since([(BEGAN + day, 0.1), (BEGAN, 0.9)]) == round(BEGAN.timestamp() * 1000)
    assert warm_since([(BEGAN, 0.1)]) == 1
