"""What Redis adds up of a number's leases is what the formula says of the log."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import exp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callease.base.clock import SetClock
from callease.base.errors import Unavailable
from callease.numbers.damage import PastLease, Spent, SpentOn, Sums, sums_of
from callease.numbers.delays import FIRST_SECONDS
from callease.numbers.log import SqlLeaseLog
from callease.numbers.models import SpentLease
from callease.web.services import Services
from tests.factories import Cast
from tests.integration.numbers.desk import LEASE_SECONDS, Desk

_FAR = 10**15
_steps = st.lists(
    st.tuples(st.sampled_from(["organic", "social", "direct"]), st.integers(1, 90_000)), min_size=1, max_size=8
)


def _fall(seconds: float) -> list[float]:
    return [exp(-seconds / tau) for tau in FIRST_SECONDS]


def _in_redis(desk: Desk, at_ms: int) -> dict[str, Mapping[str, list[float]]]:
    """By number: what is pending at a moment of each class, of all of them, and of sessions."""
    pending = {}
    for number, (moment, whole, by_class, _, _, sessions, _) in desk.warmth().items():
        fall = _fall((at_ms - moment) / 1000)
        of = {**by_class, "all": whole, "sessions": sessions}
        pending[number] = {name: [a * b for a, b in zip(each, fall, strict=True)] for name, each in of.items()}
    return pending


def _stated(sums: Sums, at_ms: int) -> Mapping[str, list[float]]:
    fall = _fall(at_ms / 1000 - sums.at.timestamp())
    whole = [sum(each) for each in zip(*sums.by_class.values(), strict=True)]
    of = {**sums.by_class, "all": whole, "sessions": sums.sessions}
    return {name: [a * b for a, b in zip(each, fall, strict=True)] for name, each in of.items()}


def _same(found: Mapping[str, Mapping[str, list[float]]], expected: Mapping[str, Mapping[str, list[float]]]) -> None:
    """What is nearly nothing may be left out."""
    assert found.keys() == expected.keys()
    for number, of in expected.items():
        names = {*of, *found[number]}
        nothing = [0.0] * len(FIRST_SECONDS)
        for name in names:
            assert found[number].get(name, nothing) == pytest.approx(of.get(name, nothing), abs=2e-3)


@given(steps=_steps)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_it_is_the_same_from_lease_to_lease_and_after_a_rebuild(
    steps: list[tuple[str, int]], parts: Services, cast: Cast, clock: SetClock
) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=2)
    at, past = 0, []
    for index, (source_class, pause) in enumerate(steps):
        held = desk.lease(f"w{index}", source_class, at)
        past.append(PastLease(held.number_id, source_class, held.leased_at))
        at += pause
    expected = {number: _stated(sums, desk.ms(at)) for number, sums in sums_of(past).items()}
    _same(_in_redis(desk, desk.ms(at)), expected)
    clock.advance(at)
    parts.redis.call(lambda client: client.flushall())
    desk.rebuild()
    _same(_in_redis(desk, desk.ms(at)), expected)
    clock.advance(-at)


def test_a_spent_lease_is_in_nobody_s_way(parts: Services, cast: Cast) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    first, second = desk.lease("v1", "organic", 0), desk.lease("v2", "social", 100)
    spent = Spent("organic", first.leased_at, 1.0, covered_by=1.0)
    desk.pool.spend([SpentOn(desk.office_id, first.number_id, [spent], _FAR)])
    alone = sums_of([PastLease(second.number_id, "social", second.leased_at)])
    _same(_in_redis(desk, desk.ms(100)), {second.number_id: _stated(alone[second.number_id], desk.ms(100))})


def test_when_the_newest_is_spent_those_that_it_covered_count_whole_again(parts: Services, cast: Cast) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    first, second = desk.lease("v1", "organic", 0), desk.lease("v2", "social", 100)
    spent = Spent("social", second.leased_at, 1.0, covered_by=0.0)
    desk.pool.spend([SpentOn(desk.office_id, first.number_id, [spent], desk.ms(0))])
    alone = sums_of([PastLease(first.number_id, "organic", first.leased_at)])
    _same(_in_redis(desk, desk.ms(100)), {first.number_id: _stated(alone[first.number_id], desk.ms(100))})


def test_told_twice_it_takes_no_more_than_there_is(parts: Services, cast: Cast) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    held = desk.lease("v1", "organic", 0)
    spent = SpentOn(desk.office_id, held.number_id, [Spent("organic", held.leased_at, 0.7, covered_by=0.0)], _FAR)
    for _ in range(3):
        desk.pool.spend([spent])
    assert all(0 <= each <= 1e-9 for of in desk.warmth()[held.number_id][2].values() for each in of)


def test_a_pool_that_cannot_be_reached_keeps_no_other_from_being_told(
    parts: Services, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = (Desk.of_a_new_office(parts, cast, numbers=1) for _ in range(2))
    held = there.lease("v1", "organic", 0)
    fence = SqlLeaseLog.fence

    def fence_of(log: SqlLeaseLog, office_id: str) -> int:
        if office_id == gone.office_id:
            raise Unavailable("redis")
        return fence(log, office_id)

    monkeypatch.setattr(SqlLeaseLog, "fence", fence_of)
    spent = [Spent("organic", held.leased_at, 1.0, covered_by=0.0)]
    there.pool.spend([SpentOn(gone.office_id, "num_1", spent, 1), SpentOn(there.office_id, held.number_id, spent, 1)])
    assert there.warmth()[held.number_id][1] == pytest.approx([0.0] * len(FIRST_SECONDS))


def test_a_number_whose_lease_has_brought_its_call_is_the_coldest(parts: Services, cast: Cast) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=2)
    older, newer = (desk.lease(f"v{at}", "social", at) for at in (0, 1))
    spent = Spent("social", newer.leased_at, 1.0, covered_by=0.0)
    desk.pool.spend([SpentOn(desk.office_id, newer.number_id, [spent], 1)])
    assert desk.lease("w", "social", LEASE_SECONDS + 5).number_id == newer.number_id != older.number_id


def test_a_visitor_whose_phone_is_known_hardly_counts(parts: Services, cast: Cast) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    held = desk.lease("v1", "organic", 0, weight=0.25)
    assert desk.warmth()[held.number_id][1] == pytest.approx([0.25] * len(FIRST_SECONDS))


def test_what_a_known_visitor_s_lease_counted_is_known_from_the_log(parts: Services, cast: Cast) -> None:
    """When the pool is rebuilt, and when the lease has brought its call: no other lease pays for it."""
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    desk.lease("w", "organic", 100)
    held = desk.lease("known", "organic", 200, weight=0.25)
    kept = desk.warmth()[held.number_id][2]["organic"]
    parts.redis.call(lambda client: client.flushall())
    desk.rebuild()
    assert desk.warmth()[held.number_id][2]["organic"] == pytest.approx(kept, abs=2e-3)
    _spend(parts, held.lease_id, 1.0, held.leased_at + timedelta(seconds=60))
    assert parts.spending.tell_pools() == 1
    left = desk.warmth()[held.number_id][2]["organic"]
    assert left == pytest.approx([each - 0.25 for each in kept], abs=2e-3)


def _spend(parts: Services, lease_id: str, p: float, at: datetime) -> None:
    with parts.database.transaction() as session:
        session.add(
            SpentLease(
                call_id=f"call_{lease_id}"[:40],
                lease_id=lease_id,
                p=p,
                hidden=False,
                pool_told=False,
                told_p=0.0,
                at=at,
            )
        )


def test_leases_of_long_ago_are_forgotten(parts: Services, cast: Cast, clock: SetClock) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    held = desk.lease("v1", "organic", 0)
    clock.advance(timedelta(days=400).total_seconds())
    parts.redis.call(lambda client: client.flushall())
    desk.rebuild()
    assert desk.warmth()[held.number_id][2] == {}
