"""Sizings are asked for, made once by one worker in a process of its own, and kept; on both databases."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from callease.attribution.models import MeasuredReveals
from callease.base.clock import SetClock
from callease.base.errors import NotFound
from callease.planning.models import SizingRun
from callease.planning.runner import Runner
from callease.planning.sizing_states import SizingProblem, SizingState
from callease.planning.sizings import Sizings, ask, site_of, sizing_of
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.extensions import extend
from tests.support.waiting import eventually

pytestmark = on_both_databases
DAY = timedelta(days=1)
_COMPUTED_SECONDS = 180


def _sizings(parts: Services) -> Sizings:
    return Sizings(parts.database, parts.clock)


def _ask(parts: Services, cast: Cast) -> str:
    with parts.database.transaction() as session:
        return ask(session, parts.clock, cast.site["id"]).id


def _runs(parts: Services) -> list[SizingRun]:
    with parts.database.reading() as session:
        return list(session.scalars(select(SizingRun).order_by(SizingRun.asked_at)))


def _count_reveals(parts: Services, cast: Cast, ago: timedelta, *counts: int) -> None:
    """In measure mode, as many of each office as `counts` says."""
    hour_at = (parts.clock.now() - ago).replace(minute=0, second=0, microsecond=0)
    with parts.database.transaction() as session:
        for office, count in zip(cast.offices, counts, strict=False):
            for source_class in ("organic", "paid_search"):
                row = {"site_id": cast.site["id"], "office_id": office.id, "source_class": source_class}
                session.add(MeasuredReveals(**row, hour_at=hour_at, count=count))


def test_a_question_that_waits_is_not_asked_twice(cast: Cast, parts: Services) -> None:
    first = _ask(parts, cast)
    assert _ask(parts, cast) == first
    _sizings(parts).record(first, {"curve": []})
    assert _ask(parts, cast) != first


def test_one_that_is_under_way_has_read_the_log_already(cast: Cast, parts: Services, clock: SetClock) -> None:
    first = _ask(parts, cast)
    assert _sizings(parts).claim()
    second = _ask(parts, cast)
    assert second != first
    assert _ask(parts, cast) == second
    clock.advance(30)
    assert _ask(parts, cast) in (first, second), "whoever was at it has died"


def test_one_worker_has_it_and_another_takes_it_up(cast: Cast, parts: Services, clock: SetClock) -> None:
    id_ = _ask(parts, cast)
    mine, others = _sizings(parts), _sizings(parts)
    claimed = mine.claim()
    assert claimed
    assert claimed.id == id_
    assert others.claim() is None
    clock.advance(20)
    mine.renew(id_)
    clock.advance(20)
    assert others.claim() is None
    clock.advance(10)
    taken_up = others.claim()
    assert taken_up
    others.release(taken_up.id)
    assert mine.claim()


def test_what_is_done_stays_as_it_is(cast: Cast, parts: Services, clock: SetClock) -> None:
    id_ = _ask(parts, cast)
    _sizings(parts).record(id_, {"curve": []})
    clock.advance(60)
    _sizings(parts).fail(id_)
    _sizings(parts).renew(id_)
    (run,) = _runs(parts)
    assert (run.state, run.problem, run.result, run.claimed_until) == (SizingState.DONE, None, {"curve": []}, None)


def test_measure_mode_is_sized_once_a_day(cast: Cast, parts: Services, clock: SetClock) -> None:
    cast.api.patch(f"/sites/{cast.site['id']}", {"mode": "measure"})
    clock.set(clock.now().replace(hour=6))
    workers = [_sizings(parts), _sizings(parts)]
    _count_reveals(parts, cast, timedelta(hours=20), 5)
    for worker in workers:
        worker.schedule()
    assert _runs(parts) == [], "a day has not been counted yet"
    clock.advance(6 * 3_600)
    for worker in workers:
        worker.schedule()
    assert [run.state for run in _runs(parts)] == [SizingState.WAITING]
    clock.advance(86_400)
    for worker in workers:
        worker.schedule()
    assert len(_runs(parts)) == 2


def test_a_live_site_is_sized_when_somebody_asks(cast: Cast, parts: Services) -> None:
    _count_reveals(parts, cast, 2 * DAY, 5)
    _sizings(parts).schedule()
    assert _runs(parts) == []


def test_old_results_are_forgotten(cast: Cast, parts: Services, clock: SetClock) -> None:
    _sizings(parts).record(_ask(parts, cast), {"curve": []})
    clock.advance(399 * 86_400)
    _sizings(parts).schedule()
    assert len(_runs(parts)) == 1
    clock.advance(2 * 86_400)
    _sizings(parts).schedule()
    assert _runs(parts) == []


def _work_out(runner: Runner) -> None:
    def done() -> bool:
        runner.turn()
        return runner.pid is None

    runner.turn()
    assert runner.pid
    eventually(done, _COMPUTED_SECONDS)


def test_nothing_counted_is_nothing_to_size(cast: Cast, parts: Services) -> None:
    _ask(parts, cast)
    _work_out(Runner(_sizings(parts), nice=0))
    (run,) = _runs(parts)
    assert (run.state, run.problem, run.result) == ("failed", SizingProblem.NOTHING_COUNTED, None)
    with parts.database.reading() as session:
        shown = sizing_of(session, None)
    assert (shown["waiting"], shown["problem"], shown["result"]) == (False, SizingProblem.NOTHING_COUNTED, None)


def test_codes_need_no_numbers(cast: Cast, parts: Services, clock: SetClock) -> None:
    cast.page().reveal(extend(cast).listing, visitor="v1")
    clock.advance(60)
    _ask(parts, cast)
    _work_out(Runner(_sizings(parts), nice=0))
    (run,) = _runs(parts)
    assert (run.state, run.problem) == ("failed", SizingProblem.ONLY_CODES)


def test_it_is_made_and_shown(cast: Cast, parts: Services, clock: SetClock) -> None:
    _count_reveals(parts, cast, 29 * DAY, 12, 6)
    id_ = _ask(parts, cast)
    with parts.database.reading() as session:
        assert sizing_of(session, cast.site["id"])["waiting"]
    _work_out(Runner(_sizings(parts), nice=0))
    (run,) = _runs(parts)
    assert (run.id, run.state, run.problem, run.done_at) == (id_, SizingState.DONE, None, clock.now())
    assert run.result
    assert (run.result["offices"], run.result["classes"], run.result["counted"]["reveals"]) == (2, 2, 36)
    assert run.result["counted"]["too_short"], "36 reveals are too few to buy by"
    owned = sum(len(office.numbers) for office in cast.offices[:2])
    assert (run.result["owned"], run.result["now"]["numbers"]) == (owned, owned)
    assert run.result["now"]["office"]["right"] == 1.0
    with parts.database.reading() as session:
        shown = sizing_of(session, cast.site["id"])
    assert (shown["waiting"], shown["result"], shown["done_at"]) == (False, run.result, run.done_at)


def test_a_worker_that_ends_gives_it_back(cast: Cast, parts: Services) -> None:
    """And leaves no Redis behind that a replay has started."""
    _count_reveals(parts, cast, 29 * DAY, 3_000)
    id_ = _ask(parts, cast)
    runner = Runner(_sizings(parts), nice=0)
    runner.turn()
    assert runner.pid
    assert _sizings(parts).claim() is None
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children")
    started = eventually(lambda: [pid for pid in children.read_text().split() if _is_redis(pid)], 30)
    runner.stop()
    eventually(lambda: not any(map(_is_redis, started)))
    claimed = _sizings(parts).claim()
    assert claimed
    assert claimed.id == id_


def _is_redis(pid: str) -> bool:
    try:
        return "redis-server" in Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_that_dies_is_a_failure(cast: Cast, parts: Services) -> None:
    _ask(parts, cast)
    runner = Runner(_sizings(parts), nice=0)
    runner.turn()
    assert runner.pid
    os.kill(runner.pid, signal.SIGKILL)
    eventually(lambda: runner.turn() or runner.pid is None)
    (run,) = _runs(parts)
    assert (run.state, run.problem) == ("failed", SizingProblem.FAILED)


def test_the_log_is_read_when_nobody_waits_for_it(cast: Cast, parts: Services) -> None:
    """A claim keeps other writers waiting; the log may be long."""
    _ask(parts, cast)
    read: list[str] = []
    listen(parts.database.engine, "before_cursor_execute", lambda *of: read.append(of[2]))
    _sizings(parts).claim()
    assert read
    assert not [statement for statement in read if "leases" in statement]


def test_sites_are_known_or_not(cast: Cast, parts: Services) -> None:
    with parts.database.reading() as session:
        assert site_of(session, None).id == cast.site["id"]
        with pytest.raises(NotFound):
            site_of(session, "sit_nowhere")
