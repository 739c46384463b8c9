"""A pool is lost while rows of its holds are still on their way into the log: no number goes to two visitors alone."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import event, select

from callease.base.database import Database
from callease.base.errors import Unavailable
from callease.base.fences import fence_value
from callease.base.group_commit import GroupCommit, Row
from callease.base.redis import RedisStore
from callease.numbers.log import SqlLeaseLog
from callease.numbers.models import Lease
from callease.numbers.pool import Held, LeaseRequest, NumberPool
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.size import Size
from tests.support.waiting import eventually

pytestmark = on_both_databases

LEASE_SECONDS = 1_800
THREADS = 16


class _DiedError(Exception):
    """What a process does before its row is written."""


class Process:
    """What one web server process has of the pools."""

    def __init__(self, parts: Services, cast: Cast) -> None:
        self.database = Database(parts.settings.database_url)
        self.redis_url = str(parts.settings.redis_url)
        self.redis = RedisStore(self.redis_url)
        self._rows = GroupCommit(self.database, self.redis)
        self._pool = NumberPool(SqlLeaseLog(self.database), self.redis, self._rows.write_after, parts.clock)
        self._cast = cast

    def lease(self, subject: str, office_id: str, meanwhile: Callable[[], object] = lambda: None) -> Held:
        """`meanwhile` happens when Redis has given the number, and its row is not yet written."""

        def rows(held: Held) -> Sequence[Row]:
            meanwhile()
            return [(Lease, self._row(held, subject, office_id))]

        asked = LeaseRequest(
            office_id=office_id,
            pool_version=0,
            source_class="direct",
            subject=subject,
            lease_id=f"lse_{uuid4().hex}",
            seconds=LEASE_SECONDS,
        )
        return self._pool.lease(asked, rows)

    def close(self) -> None:
        self._rows.close()
        self.redis.close()
        self.database.dispose()

    def _row(self, held: Held, subject: str, office_id: str) -> dict[str, Any]:
        return dict.fromkeys(column.key for column in Lease.__table__.columns) | {
            "id": held.lease_id,
            "number_id": held.number_id,
            "office_id": office_id,
            "site_id": self._cast.site["id"],
            "subject": subject,
            "source_class": "direct",
            "kind": "shared" if held.outcome == "shared" else "dynamic",
            "borrowed": held.outcome == "borrowed",
            "consented": True,
            "weight": 1.0,
            "leased_at": held.leased_at,
            "expires_at": held.expires_at,
        }


@pytest.fixture
def processes(parts: Services, cast: Cast) -> Iterator[list[Process]]:
    made = [Process(parts, cast) for _ in range(2)]
    yield made
    for process in made:
        process.close()


def _empties(process: Process, _office_id: str) -> None:
    """Whoever does it is no visitor, and waits for a busy machine."""
    with redis.Redis.from_url(process.redis_url) as client:
        client.flushall()


def _is_another_server_with_all_its_data(process: Process, office_id: str) -> None:
    """A promoted replica, or a restart with its file: the stamp names the run that has ended."""
    key = f"callease:{{{office_id}}}:stamp"
    stamp = process.redis.call(lambda client: client.get(key)).split(":")
    process.redis.call(lambda client: client.set(key, ":".join(["f" * 40, *stamp[1:]])))


@pytest.mark.parametrize("lose", [_empties, _is_another_server_with_all_its_data])
def test_another_process_rebuilds_before_the_row_is_written(
    processes: list[Process], cast: Cast, lose: Callable[[Process, str], None]
) -> None:
    office, (one, other) = cast.alatau_riverside.id, processes
    seen: list[Held] = []

    def meanwhile() -> None:
        if not seen:
            lose(other, office)
            seen.append(other.lease("w", office))

    first = one.lease("v", office, meanwhile)
    assert (first.outcome, seen[0].outcome) == ("dynamic", "dynamic")
    assert first.number_id != seen[0].number_id
    assert other.lease("v", office).lease_id == first.lease_id
    _nobody_is_told_of_a_number_that_is_another_s(one)


def test_a_hold_whose_process_died_is_not_believed_by_another_server(processes: list[Process], cast: Cast) -> None:
    office, (one, other) = cast.alatau_riverside.id, processes

    def die() -> None:
        raise _DiedError

    with pytest.raises(_DiedError):
        one.lease("v", office, die)
    _is_another_server_with_all_its_data(other, office)
    told = [other.lease(subject, office) for subject in ("w", "v")]
    assert len({held.number_id for held in told}) == 2
    _nobody_is_told_of_a_number_that_is_another_s(one)


def test_a_new_number_does_not_overtake_anybody(processes: list[Process], cast: Cast) -> None:
    """The pool goes on: the row is written where it was to be."""
    office, (one, other) = cast.alatau_riverside.id, processes
    one.lease("u", office)
    tries: list[str] = []

    def meanwhile() -> None:
        tries.append("v")
        cast.api.post("/numbers", {"e164": "+77172692999", "office": office})
        other.lease("w", office)

    one.lease("v", office, meanwhile)
    assert tries == ["v"]
    _nobody_is_told_of_a_number_that_is_another_s(one)


def test_a_number_that_was_never_shown_and_moves_at_once_is_not_shown_for_its_old_office(
    processes: list[Process], cast: Cast
) -> None:
    process, office, moved = processes[0], cast.alatau_riverside.id, []

    def meanwhile() -> None:
        if not moved:
            number = next(iter(process.redis.call(lambda client: client.zrange(f"callease:{{{office}}}:held", 0, -1))))
            moved.append(number)
            assert cast.api.patch(f"/numbers/{number}", {"office": cast.saryarka_sales.id})["state"] == "active"

    held = process.lease("v", office, meanwhile)
    assert moved and held.number_id not in moved
    with process.database.reading() as session:
        assert session.scalars(select(Lease.number_id)).all() == [held.number_id]


def test_a_server_that_knows_no_script_yet_costs_one_rebuild(processes: list[Process], cast: Cast) -> None:
    process, office = processes[0], cast.alatau_riverside.id
    process.redis.call(lambda client: client.script_flush())
    process.lease("v", office)
    assert fence_value(process.database, office) == 1


def test_a_rebuild_that_hangs_keeps_nobody_waiting_for_ever(processes: list[Process], cast: Cast) -> None:
    """An office must not get hold of all threads of the server."""
    office, process = cast.alatau_riverside.id, processes[0]
    goes_on = threading.Event()
    event.listen(process.database.engine, "commit", lambda _connection: goes_on.wait())
    with ThreadPoolExecutor(2) as threads:
        hang = [threads.submit(process.lease, subject, office) for subject in ("v", "w")]
        try:
            eventually(lambda: any(each.done() for each in hang))
        finally:
            goes_on.set()
        failed = [each for each in hang if each.exception()]
    assert {type(each.exception()) for each in failed} == {Unavailable}


def test_redis_is_emptied_again_and_again_under_load(processes: list[Process], cast: Cast, size: Size) -> None:
    offices = [cast.alatau_sales.id, cast.alatau_riverside.id, cast.zhaina_sales.id]
    rounds = size.pick(20, 500)
    told: list[Held] = []

    def ask(index: int) -> None:
        if index % THREADS == 0:
            _empties(processes[0], "")
        subject = f"v{index}"
        with suppress(Unavailable):  # Redis was emptied once more with every try
            told.append(processes[index % 2].lease(subject, offices[index % 3]))

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(ask, range(rounds * THREADS)))
    assert len(told) > rounds * THREADS / 2
    alone = Counter(held.number_id for held in told if held.outcome != "shared")
    assert set(alone.values()) == {1}, "no lease has ended yet"
    _nobody_is_told_of_a_number_that_is_another_s(processes[0])


def _nobody_is_told_of_a_number_that_is_another_s(process: Process) -> None:
    with process.database.reading() as session:
        leases = session.scalars(select(Lease)).all()
    alone = Counter(lease.number_id for lease in leases if lease.kind == "dynamic")
    assert set(alone.values()) == {1}
