"""A whole Callease on the test's clock: two processes on the same stores, and one from which the stores are gone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Flask

from callease.app import build_services, create_app
from callease.attribution.extended import ExtendedNumbers
from callease.attribution.reveals import Reveals
from callease.attribution.visits import Visits
from callease.base.clock import Clock, SetClock
from callease.base.group_commit import GroupCommit, Row
from callease.base.redis import RedisStore
from callease.catalog.changes import ChangeMark
from callease.numbers.extensions import Extensions
from callease.numbers.log import SqlLeaseLog
from callease.numbers.pool import Held, LeaseRequest, NumberPool
from callease.numbers.roads import Roads
from callease.numbers.spending import Spending
from callease.settings import load_settings
from callease.telephony.snapshot import SnapshotWriter
from callease.web.services import Services
from callease.worker import Worker
from tests.support.http import InProcess

_PATIENT_SECONDS = 20.0
"""The machine may be busy; how soon Callease gives up is other tests' concern."""


class ProcessDied(Exception):
    """Between Redis and the log: Redis holds a number for somebody, and nobody was told."""


class PoolOnTheClock(NumberPool):
    """Redis is told the clock's time, by the argument that production leaves empty."""

    clock: Clock
    dies = False

    def lease(self, asked: LeaseRequest, rows_of: Callable[[Held], Sequence[Row]]) -> Held:
        at = round(self.clock.now().timestamp() * 1000)

        def rows(held: Held) -> Sequence[Row]:
            if self.dies:
                raise ProcessDied
            return rows_of(held)

        return super().lease(replace(asked, virtual_ms=at), rows)


@dataclass
class Process:
    """One of several that serve; `app` goes on when the process is replaced."""

    parts: Services
    app: Flask
    pool: PoolOnTheClock

    @classmethod
    def of(cls, environment: Mapping[str, str], clock: SetClock) -> "Process":
        parts = build_services(load_settings(environment), clock)
        parts.redis.close()
        store = RedisStore(environment["CALLEASE_REDIS_URL"], answer_seconds=_PATIENT_SECONDS)
        rows = GroupCommit(parts.database, store)
        parts = replace(
            parts, redis=store, rows=rows, visits=Visits(parts.database, rows, clock, parts.measuring.visit)
        )
        parts, pool = _with_new_pool(parts)
        return cls(parts, create_app(parts), pool)

    def begins_anew(self) -> None:
        """It knows nothing of any pool; what it has sent is with the stores."""
        self.parts, self.pool = _with_new_pool(self.parts)
        self.app.extensions["callease"] = self.parts

    @property
    def http(self) -> InProcess:
        return InProcess(self.app.test_client())

    def close(self) -> None:
        self.parts.close()


@dataclass
class Stack:
    """`without_stores` shares nothing but the data directory with the others: its database and Redis are not there."""

    processes: Sequence[Process]
    without_stores: Services
    clock: SetClock

    def __post_init__(self) -> None:
        self._worker = Worker(self.processes[0].parts)
        self._snapshot = SnapshotWriter(self.without_stores.settings.snapshot_path)
        self.alone = InProcess(create_app(self.without_stores).test_client())

    @classmethod
    def of(cls, environment: Mapping[str, str], clock: SetClock) -> "Stack":
        nowhere = f"{environment['CALLEASE_DATA_DIR']}/gone"
        postgresql = environment["CALLEASE_DATABASE_URL"].startswith("postgresql")
        gone = {
            "CALLEASE_DATABASE_URL": f"postgresql://callease@/x?host={nowhere}"
            if postgresql
            else f"sqlite:///{nowhere}/x.sqlite",
            "CALLEASE_REDIS_URL": f"unix://{nowhere}/redis.sock",
        }
        processes = [Process.of(environment, clock) for _ in range(2)]
        return cls(processes, build_services(load_settings({**environment, **gone}), clock), clock)

    def worker_s_turn(self) -> None:
        """What it does of its own accord from time to time."""
        parts = self.processes[0].parts
        parts.intake.retry_due()
        self._worker.complete_moves()
        parts.spending.tell_pools()

    def refresh_snapshot(self) -> None:
        """As the server does every second."""
        with self.processes[0].parts.database.reading() as session:
            self._snapshot.refresh(session)

    def close(self) -> None:
        self._snapshot.close()
        self.without_stores.close()
        for process in self.processes:
            process.close()


def _with_new_pool(parts: Services) -> tuple[Services, PoolOnTheClock]:
    pool = PoolOnTheClock(SqlLeaseLog(parts.database), parts.redis, parts.rows.write_after, parts.clock)
    pool.clock = parts.clock
    roads = Roads(parts.database, ChangeMark(parts.settings.data_dir / "run" / "catalogue-mark"))
    extended = ExtendedNumbers(roads, Extensions(parts.database, parts.redis, parts.rows, parts.clock))
    reveals = Reveals(parts.database, parts.catalog, pool, extended, parts.clock, parts.box, parts.measuring)
    return replace(parts, reveals=reveals, spending=Spending(parts.database, pool)), pool
