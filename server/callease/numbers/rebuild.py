"""The pool of one office is written anew from the lease log, where Redis lost it or the office's numbers changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import Unavailable
from callease.base.fences import fence_value, raise_fence
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.catalog.models import Office
from callease.numbers.models import Lease, Number

LUA = Path(__file__).parent / "lua"
UNSPLIT = ""
_CLASSES_AT_MOST = 16
_TRIES = 4
# The script on the page gives up after 2 seconds.
_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Plan:
    """The office's source classes in the order of their keys, and the digits of its numbers, as of `version`.

    `fence`: behind which the lease log was read. Holds of another fence are not believed, hence it is in their keys.
    """

    version: int
    fence: int
    classes: tuple[str, ...]
    e164: Mapping[str, str]

    def pool(self, run_id: str) -> str:
        """What a pool is called for as long as it goes on."""
        return f"{run_id}:{self.fence}"

    def stamp(self, run_id: str) -> str:
        return f"{self.pool(run_id)}:{self.version}"


@dataclass(frozen=True)
class Keys:
    """Of one office: all of them carry its hash tag."""

    base: str

    def __call__(self, *parts: str) -> str:
        return ":".join((self.base, *parts))

    def hold(self, fence: int, subject: str) -> str:
        return self("subject", str(fence), subject)


@dataclass(frozen=True)
class _Log:
    """What the log and the list of numbers say of one office."""

    version: int
    numbers: Sequence[Any]
    live: Sequence[Any]
    read_at: datetime


class PoolRebuild:
    """What this process knows of the pools, and how it makes them new."""

    def __init__(self, database: Database, store: Store, clock: Clock, prefix: str) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._plans: dict[str, Plan] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._continues = LuaScript(LUA / "continues.lua")
        self._write = LuaScript(LUA / "rebuild.lua")

    def keys(self, office_id: str) -> Keys:
        return Keys(f"{self._prefix}:{{{office_id}}}")

    def present(self, office_id: str) -> Plan | None:
        return self._plans.get(office_id)

    def anew(self, office_id: str, seen: Plan | None) -> Plan:
        """One thread does it, the others wait for its result; `seen` is the plan that turned out to be of no use.

        Raises Unavailable, and does not wait for ever: one office must not get hold of all threads of the server.
        """
        with self._alone(office_id):
            present = self._plans.get(office_id)
            if present is not None and present is not seen:
                return present
            for _ in range(_TRIES):
                plan = self._write_pool(office_id)
                if plan:
                    self._plans[office_id] = plan
                    return plan
            raise Unavailable("redis")

    @contextmanager
    def _alone(self, office_id: str) -> Iterator[None]:
        lock = self._locks.setdefault(office_id, threading.Lock())
        if not lock.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable("redis")
        try:
            yield
        finally:
            lock.release()

    def _write_pool(self, office_id: str) -> Plan | None:
        """None when the pool became another one meanwhile.

        Rows on their way are in a pool that goes on. Where there is none, the fence makes them come before the log is
        read, or not at all.
        """
        key = self.keys(office_id)
        fence = fence_value(self._database, office_id)
        expected = ScriptCall(self._continues, [key("stamp")], lambda run_id: [f"{run_id}:{fence}"])
        goes_on = self._store.run(expected)
        if not goes_on:
            fence = raise_fence(self._database, office_id)
        log = self._read_log(office_id)
        classes = tuple(sorted({number.source_class or UNSPLIT for number in log.numbers}))[:_CLASSES_AT_MOST]
        plan = Plan(log.version, fence, classes, {number.id: number.e164 for number in log.numbers})
        keys, contents = _contents(plan, log, key)
        # What was read is good for one writing: after it was used and lost, a second one would forget the holds.
        good_for = [int(not goes_on)]

        def once(run_id: str) -> Sequence[str | int]:
            return [plan.stamp(run_id), good_for.pop() if good_for else 0, *contents]

        return plan if self._store.run(ScriptCall(self._write, keys, once)) else None

    def _read_log(self, office_id: str) -> _Log:
        now = self._clock.now()
        with self._database.reading() as session:
            return _Log(
                version=session.scalar(select(Office.pool_version).where(Office.id == office_id)) or 0,
                numbers=session.execute(_numbers_and_their_last_hold(office_id)).all(),
                live=session.execute(_live_leases(office_id, now)).all(),
                read_at=now,
            )


def _contents(plan: Plan, log: _Log, key: Keys) -> tuple[list[str], list[str | int]]:
    """Keys and, but for the first two, arguments of `rebuild.lua`."""
    index_of = {number.id: _index(plan.classes, number.source_class) for number in log.numbers}
    held_until = {number.id: ms(number.held_until) if number.held_until else 0 for number in log.numbers}
    holds: list[str] = []
    values: list[str | int] = []
    for lease in log.live:
        if lease.number_id in index_of:
            held_until[lease.number_id] = max(held_until[lease.number_id], ms(lease.expires_at))
            times = f"{ms(lease.leased_at)} {ms(lease.expires_at)}"
            outcome = "borrowed" if lease.borrowed else lease.kind
            holds.append(key.hold(plan.fence, lease.subject))
            values += [
                f"{lease.id} {lease.number_id} {times} {outcome} {index_of[lease.number_id]}",
                max(1, int((lease.expires_at - log.read_at).total_seconds())),
            ]
    numbers: list[str | int] = []
    for number_id, index in index_of.items():
        numbers += [number_id, index, held_until[number_id]]
    keys = [key("stamp"), *(key("class", name) for name in plan.classes), *holds]
    return keys, [len(plan.classes), len(log.numbers), *numbers, *values]


def _index(classes: tuple[str, ...], source_class: str | None) -> int:
    """A class beyond the sixteenth joins the last one: the pool stays bounded, the number is not lost."""
    name = source_class or UNSPLIT
    return classes.index(name) + 1 if name in classes else len(classes)


def _numbers_and_their_last_hold(office_id: str) -> Select[*tuple[Any, ...]]:
    last = (
        select(Lease.expires_at)
        .where(Lease.number_id == Number.id)
        .order_by(Lease.leased_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(Number.id, Number.e164, Number.source_class, last.label("held_until")).where(
        Number.office_id == office_id, Number.role == "lease", Number.state == "active"
    )


def _live_leases(office_id: str, now: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Lease.id,
            Lease.number_id,
            Lease.subject,
            Lease.leased_at,
            Lease.expires_at,
            Lease.kind,
            Lease.borrowed,
        )
        .where(Lease.office_id == office_id, Lease.expires_at > now)
        .order_by(Lease.leased_at)
    )


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
