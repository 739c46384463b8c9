"""Delays are learnt from the log of this installation, by any number of workers, and used by the next call."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from callease.attribution.learning import CurveLookup, learnt_curves
from callease.attribution.models import LearntDelays
from callease.base.clock import SetClock, rfc3339
from callease.numbers.delays import DelayCurves
from callease.numbers.models import Lease, SpentLease
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
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
