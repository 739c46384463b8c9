"""Delays are learnt from the log of this installation, by any number of workers, and used by the next call."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from callease.attribution.learning import CurveLookup, learnt_curves
from callease.attribution.models import CallerMemory, LearntDelays, LeaseEvent
from callease.base.clock import SetClock, rfc3339
from callease.numbers.damage import SpentOn
from callease.numbers.delays import DelayCurves, DelayLearner
from callease.numbers.models import Lease, SpentLease
from callease.numbers.pool import NumberPool
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.extensions import COMMON, extend
from tests.support.people import Telephone

pytestmark = on_both_databases
LISTING = "ZHK-1001"


def _call(cast: Cast, clock: SetClock, to: str, call: str, caller: str | None) -> None:
    telephone = Telephone(cast.transport, cast.account, lambda: clock.now().timestamp())
    answer = telephone.event("ringing", call, to, caller, at=rfc3339(clock.now()))
    assert answer.status == 200, answer.body


@pytest.fixture
def a_busy_day(cast: Cast, parts: Services, clock: SetClock) -> None:
    """Twenty visitors an hour apart, every second one calls after a minute, some of them hidden, one rings again."""
    for n in range(20):
        shown = cast.page().reveal(LISTING, visitor=f"v{n}").json
        _age_lease(parts, shown["lease"], clock)
        if n % 2:
            clock.advance(60)
            _call(cast, clock, shown["number"], f"call {n}", None if n % 10 == 1 else f"+7701000{n:04d}")
        if n == 5:
            clock.advance(600)
            _call(cast, clock, shown["number"], "once more", f"+7701000{n:04d}")
        clock.advance(3_600)


def _age_lease(parts: Services, lease: str, clock: SetClock) -> None:
    """Leases have Redis's own time; the test goes through a whole day."""
    with parts.database.transaction() as session:
        session.get_one(Lease, lease).leased_at = clock.now()


def _curves(parts: Services) -> DelayCurves:
    with parts.database.reading() as session:
        return learnt_curves(session)


def test_before_there_is_a_log_the_prior_stands(parts: Services) -> None:
    parts.learning.catch_up()
    assert _curves(parts) == DelayCurves()
    assert CurveLookup(parts.database).curves() == DelayCurves()


def test_what_the_log_says_is_learnt_once(a_busy_day: None, parts: Services) -> None:
    parts.learning.catch_up()
    learnt = _curves(parts)
    assert learnt.first[0] > DelayCurves().first[0]
    assert learnt.first_rate(60) > DelayCurves().first_rate(60)
    assert learnt.hidden > DelayCurves().hidden
    assert CurveLookup(parts.database).curves() == learnt
    parts.learning.catch_up()
    assert _curves(parts) == learnt
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(LearntDelays)) == 1


def test_learning_bit_by_bit_is_learning_at_once(a_busy_day: None, parts: Services, clock: SetClock) -> None:
    end = clock.now()
    for hours in range(18, -1, -3):
        clock.set(end - timedelta(hours=hours))
        parts.learning.catch_up()
    bit_by_bit = _state(parts)
    with parts.database.transaction() as session:
        session.delete(session.get_one(LearntDelays, 1))
    clock.set(end)
    parts.learning.catch_up()
    at_once = _state(parts)
    assert bit_by_bit["hidden"] == pytest.approx(at_once["hidden"])
    for part in ("first", "again"):
        for sums in ("sources", "pending"):
            assert bit_by_bit[part][sums] == pytest.approx(at_once[part][sums])


def _state(parts: Services) -> dict[str, Any]:
    with parts.database.reading() as session:
        return session.get_one(LearntDelays, 1).state


def test_calls_of_one_s_own_past_are_spent_and_told_to_the_pool(a_busy_day: None, parts: Services) -> None:
    with parts.database.reading() as session:
        spent = session.scalars(select(SpentLease)).all()
    assert len({each.call_id for each in spent}) >= 10
    assert parts.spending.tell_pools() == len(spent)
    assert parts.spending.tell_pools() == 0


def test_what_a_pool_was_told_of_a_call_it_is_not_told_again_with_the_call_s_next_event(
    cast: Cast, parts: Services, clock: SetClock
) -> None:
    shown = cast.page().reveal(LISTING, visitor="v").json
    clock.advance(30)
    _call(cast, clock, shown["number"], "one", None)
    assert parts.spending.tell_pools() == 1
    telephone = Telephone(cast.transport, cast.account, lambda: clock.now().timestamp())
    telephone.event("answered", "one", shown["number"], "+77010001111", at=rfc3339(clock.now()), wait=3)
    with parts.database.reading() as session:
        (spent,) = session.scalars(select(SpentLease)).all()
    assert not spent.hidden, "the call was believed anew"
    assert parts.spending.tell_pools() == 0


def test_a_pool_is_told_what_is_believed_more_than_before_and_no_more(
    cast: Cast, parts: Services, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = cast.page().reveal(LISTING, visitor="v").json
    clock.advance(30)
    _call(cast, clock, shown["number"], "one", None)
    with parts.database.transaction() as session:
        half = {"p": 0.5, "told_p": 0.5, "pool_told": True}
        session.execute(update(SpentLease).values(half))
    told: list[SpentOn] = []
    monkeypatch.setattr(NumberPool, "spend", lambda _self, spent: told.extend(spent))
    telephone = Telephone(cast.transport, cast.account, lambda: clock.now().timestamp())
    telephone.event("answered", "one", shown["number"], "+77010001111", at=rfc3339(clock.now()), wait=3)
    assert parts.spending.tell_pools() == 1
    with parts.database.reading() as session:
        believed = session.scalars(select(SpentLease.p)).one()
    assert believed > 0.9
    assert [lease.part for of in told for lease in of.leases] == pytest.approx([believed - 0.5])


def test_a_number_with_codes_has_no_pool_to_be_told(
    cast: Cast, parts: Services, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    extended = extend(cast)
    shown = extended.reveal("v1")
    telephone = Telephone(cast.transport, cast.account, lambda: clock.now().timestamp())
    telephone.event("ringing", "coded", COMMON, "+77010001111", digits=shown["extension"], at=rfc3339(clock.now()))
    told: list[SpentOn] = []
    monkeypatch.setattr(NumberPool, "spend", lambda _self, spent: told.extend(spent))
    assert (parts.spending.tell_pools(), told) == (1, [])


def test_delays_count_from_when_the_number_was_seen_last_and_repeats_as_far_as_they_are_some(
    cast: Cast, parts: Services, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = cast.page().reveal(LISTING, visitor="v").json
    _age_lease(parts, shown["lease"], clock)
    clock.advance(600)
    with parts.database.transaction() as session:
        session.add(LeaseEvent(id="lev_1", lease_id=shown["lease"], type="again", at=clock.now()))
    clock.advance(60)
    _call(cast, clock, shown["number"], "one", "+77010001111")
    clock.advance(900)
    _call(cast, clock, shown["number"], "two", "+77010001111")
    with parts.database.transaction() as session:
        again = session.scalars(select(CallerMemory).where(CallerMemory.first_at < CallerMemory.at)).one()
        session.add(
            SpentLease(
                call_id=again.call_id,
                lease_id=shown["lease"],
                p=0.25,
                hidden=False,
                pool_told=True,
                told_p=0.25,
                at=again.at,
            )
        )
    learnt: list[tuple[str, float, float]] = []
    monkeypatch.setattr(
        DelayLearner, "called", lambda _, _at, ages, _hidden, _share: learnt.extend(("first", *each) for each in ages)
    )
    monkeypatch.setattr(DelayLearner, "called_again", lambda _, _at, seconds, p: learnt.append(("again", seconds, p)))
    clock.advance(7_200)
    parts.learning.catch_up()
    assert [name for name, _, _ in learnt] == ["first", "first", "again"]
    found = [each for of in learnt for each in of[1:]]
    assert found == pytest.approx([60, 1.0, 960, 0.25, 900, 0.75], abs=0.01)
