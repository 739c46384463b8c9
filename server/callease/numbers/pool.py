"""The pool of one office in Redis: which of its numbers are free, and which is the coldest.

The pool is an index of the lease log. Its stamp names the Redis server's run, the fence behind which the log was read,
and the version of the office's numbers; under any other stamp the pool is rebuilt from SQL before it is used, so a
Redis that lost its data, or a number that was added, needs nobody's attention.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import CalleaseError, LimitExceeded, NotFound, Unavailable
from callease.base.fences import Behind, Overtaken, fence_value, raise_fence
from callease.base.group_commit import GroupCommit, Row
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.catalog.models import Office
from callease.numbers.models import Lease, Number

_LUA = Path(__file__).parent / "lua"
_CLASSES_AT_MOST = 16
_TRIES = 4
UNSPLIT = ""


@dataclass(frozen=True)
class Held:
    """What Redis gave; `new` False: the subject holds it already. `outcome`: dynamic, borrowed or shared.

    `left_ms` is by Redis's clock, as the other times are: the clocks of two machines differ.
    """

    new: bool
    outcome: str
    lease_id: str
    number_id: str
    e164: str
    leased_at: datetime
    expires_at: datetime
    number_class: str
    held_before_ms: int
    left_ms: int

    @property
    def age(self) -> timedelta:
        return self.expires_at - self.leased_at - timedelta(milliseconds=self.left_ms)


@dataclass(frozen=True)
class Limits:
    """New leases an hour from one office, for a visitor and for an address; None: not counted."""

    visitor: str | None
    address: str | None
    a_visitor: int = 60
    an_address: int = 300


@dataclass(frozen=True)
class _Plan:
    """The office's source classes in the order of their keys, and the digits of its numbers, as of `version`.

    `fence`: behind which the lease log was read. Holds of another fence are not believed, hence it is in their keys.
    """

    version: int
    fence: int
    classes: tuple[str, ...]
    e164: Mapping[str, str]


class NumberPool:
    def __init__(
        self, database: Database, store: Store, rows: GroupCommit, clock: Clock, prefix: str = "callease"
    ) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._rows = rows
        self._prefix = prefix
        self._plans: dict[str, _Plan] = {}
        self._rebuilding: dict[str, threading.Lock] = {}
        self._lease = LuaScript(_LUA / "lease.lua")
        self._continues = LuaScript(_LUA / "continues.lua")
        self._rebuild_script = LuaScript(_LUA / "rebuild.lua")
        self._release = LuaScript(_LUA / "release.lua")

    def lease(
        self,
        office_id: str,
        pool_version: int,
        source_class: str,
        subject: str,
        lease_id: str,
        seconds: int,
        limits: Limits,
        rows_of: Callable[[Held], Sequence[Row]],
        virtual_ms: int | None = None,
    ) -> Held:
        """The subject's live lease, or a new one on the coldest number, once the rows that `rows_of` makes are durable.

        A new lease whose rows cannot be written is taken back.

        Raises LimitExceeded, NotFound("no_numbers") when the office has none, Unavailable when Redis or SQL is down.
        """
        plan = self._plans.get(office_id)
        if plan is None or plan.version < pool_version:
            plan = self._rebuild(office_id, plan)
        for _ in range(_TRIES):
            held: Held | None = None

            def rows(answer: list[str], plan: _Plan = plan) -> Sequence[Row]:
                nonlocal held
                held = _held(answer, plan)
                return rows_of(held) if held else ()

            call = self._lease_call(office_id, plan, source_class, subject, lease_id, seconds, limits, virtual_ms)
            try:
                answer = self._rows.write_after(call, rows, Behind(office_id, plan.fence))
            except CalleaseError as error:
                if held and held.new:
                    self.take_back(office_id, subject, held)
                if not isinstance(error, Overtaken):
                    raise
                plan = self._rebuild(office_id, plan)
                continue
            match answer:
                case ["cold"]:
                    plan = self._rebuild(office_id, plan)
                case ["limited", retry_after]:
                    raise LimitExceeded("too_many_reveals", max(1, int(retry_after)))
                case ["empty"]:
                    raise NotFound("no_numbers")
            if held:
                return held
        raise Unavailable("redis")

    def _lease_call(
        self,
        office_id: str,
        plan: _Plan,
        source_class: str,
        subject: str,
        lease_id: str,
        seconds: int,
        limits: Limits,
        virtual_ms: int | None,
    ) -> ScriptCall:
        key = self._keys(office_id)
        keys = [
            key("stamp"),
            key("subject", str(plan.fence), subject),
            key("visitor", limits.visitor or "-"),
            key("address", limits.address or "-"),
            *(key("class", name) for name in plan.classes),
        ]

        def arguments(run_id: str) -> Sequence[str | int]:
            return (
                _stamp(run_id, plan),
                lease_id,
                seconds,
                _wanted(plan.classes, source_class),
                limits.a_visitor if limits.visitor else 0,
                limits.an_address if limits.address else 0,
                "" if virtual_ms is None else virtual_ms,
            )

        return ScriptCall(self._lease, keys, arguments)

    def take_back(self, office_id: str, subject: str, held: Held) -> None:
        """Undoes a lease that nobody was told of."""
        key = self._keys(office_id)
        keys = [key("subject", str(self._plans[office_id].fence), subject), key("class", held.number_class)]
        values = (held.lease_id, held.number_id, _ms(held.expires_at), held.held_before_ms)
        self._store.run(ScriptCall(self._release, keys, lambda _: values))

    def _rebuild(self, office_id: str, seen: _Plan | None) -> _Plan:
        """One thread does it, the others wait for its result; `seen` is the plan that turned out to be of no use."""
        with self._rebuilding.setdefault(office_id, threading.Lock()):
            present = self._plans.get(office_id)
            if present is not None and present is not seen:
                return present
            for _ in range(_TRIES):
                plan = self._write_pool(office_id)
                if plan:
                    self._plans[office_id] = plan
                    return plan
            raise Unavailable("redis")

    def _write_pool(self, office_id: str) -> _Plan | None:
        """None when the pool became another one meanwhile.

        Rows on their way are in a pool that goes on. Where there is none, the fence makes them come before the log is
        read, or not at all.
        """
        stamp_key = self._keys(office_id)("stamp")
        fence = fence_value(self._database, office_id)
        go_on = self._store.run(ScriptCall(self._continues, [stamp_key], lambda run_id: [f"{run_id}:{fence}"]))
        if not go_on:
            fence = raise_fence(self._database, office_id)
        now = self._clock.now()
        with self._database.reading() as session:
            version = session.scalar(select(Office.pool_version).where(Office.id == office_id)) or 0
            numbers = session.execute(_numbers_and_their_last_hold(office_id)).all()
            live = session.execute(
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
            ).all()
        classes = tuple(sorted({number.source_class or UNSPLIT for number in numbers}))[:_CLASSES_AT_MOST]
        plan = _Plan(version, fence, classes, {number.id: number.e164 for number in numbers})
        index_of = {number.id: _index(classes, number.source_class) for number in numbers}
        held_until = {number.id: _ms(number.held_until) if number.held_until else 0 for number in numbers}
        subjects: list[tuple[str, str, int]] = []
        for lease in live:
            if lease.number_id in index_of:
                held_until[lease.number_id] = max(held_until[lease.number_id], _ms(lease.expires_at))
                times = f"{_ms(lease.leased_at)} {_ms(lease.expires_at)}"
                outcome = "borrowed" if lease.borrowed else lease.kind
                value = f"{lease.id} {lease.number_id} {times} {outcome} {index_of[lease.number_id]}"
                subjects.append((lease.subject, value, max(1, int((lease.expires_at - now).total_seconds()))))
        key = self._keys(office_id)
        keys = [
            stamp_key,
            *(key("class", name) for name in classes),
            *(key("subject", str(fence), each[0]) for each in subjects),
        ]
        arguments: list[str | int] = [len(classes), len(numbers)]
        for number_id, index in index_of.items():
            arguments += [number_id, index, held_until[number_id]]
        for _, value, seconds in subjects:
            arguments += [value, seconds]
        # What was read is good for one writing: after it was used and lost, a second one would forget the holds.
        good_for = [int(not go_on)]

        def once(run_id: str) -> Sequence[str | int]:
            return [_stamp(run_id, plan), good_for.pop() if good_for else 0, *arguments]

        return plan if self._store.run(ScriptCall(self._rebuild_script, keys, once)) else None

    def _keys(self, office_id: str) -> _KeyMaker:
        return _KeyMaker(f"{self._prefix}:{{{office_id}}}")


@dataclass(frozen=True)
class _KeyMaker:
    base: str

    def __call__(self, *parts: str) -> str:
        return ":".join((self.base, *parts))


def subject_of(listing: str | None, visitor: str | None, session: str | None, lease_id: str) -> str:
    """Whose lease it is: (visitor, listing), without a visitor (session, listing), with neither this lease alone."""
    who = f"v:{visitor}" if visitor else f"s:{session}" if session else f"l:{lease_id}"
    return hashlib.sha256(f"{who}\n{listing or ''}".encode()).hexdigest()[:32]


def _stamp(run_id: str, plan: _Plan) -> str:
    return f"{run_id}:{plan.fence}:{plan.version}"


def _held(answer: list[str], plan: _Plan) -> Held | None:
    """None for an answer without a lease."""
    match answer:
        case [found, lease, number, leased_ms, expires_ms, outcome, class_index, before_ms, left_ms]:
            return Held(
                new=found == "new",
                outcome=outcome,
                lease_id=lease,
                number_id=number,
                e164=plan.e164[number],
                leased_at=_moment(leased_ms),
                expires_at=_moment(expires_ms),
                number_class=plan.classes[int(class_index) - 1],
                held_before_ms=int(before_ms),
                left_ms=int(left_ms),
            )
    return None


def _wanted(classes: tuple[str, ...], source_class: str) -> int:
    """Index of the class's own free set, else of the unsplit numbers' one, else 0: borrow."""
    for name in (source_class, UNSPLIT):
        if name in classes:
            return classes.index(name) + 1
    return 0


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


def _moment(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
