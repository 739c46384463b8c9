"""The pool of one office in Redis: which of its numbers are free, and which is the coldest.

The pool is an index of the lease log. Its stamp names the Redis server's run, the fence behind which the log was read,
and the version of the office's numbers; under any other stamp the pool is rebuilt from SQL before it is used, so a
Redis that lost its data, or a number that was added, needs nobody's attention.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import CalleaseError, LimitExceeded, NotFound, Unavailable
from callease.base.fences import Behind, Overtaken
from callease.base.group_commit import GroupCommit, Row
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.numbers.rebuild import LUA, UNSPLIT, Plan, PoolRebuild, ms

_TRIES = 4


@dataclass(frozen=True)
class Held:
    """What Redis gave; `new` False: the subject holds it already. `outcome`: dynamic, borrowed or shared.

    `left_ms` is by Redis's clock, as the other times are: the clocks of two machines differ. `plan`: by which Redis was
    asked.
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
    plan: Plan

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
class _Wish:
    """Who wants a number; `virtual_ms` None: now, by Redis's clock."""

    source_class: str
    subject: str
    lease_id: str
    seconds: int
    limits: Limits
    virtual_ms: int | None


class NumberPool:
    def __init__(
        self, database: Database, store: Store, rows: GroupCommit, clock: Clock, prefix: str = "callease"
    ) -> None:
        self._store = store
        self._rows = rows
        self._rebuild = PoolRebuild(database, store, clock, prefix)
        self._lease = LuaScript(LUA / "lease.lua")
        self._release = LuaScript(LUA / "release.lua")

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
        wish = _Wish(source_class, subject, lease_id, seconds, limits, virtual_ms)
        plan = self._rebuild.present(office_id)
        if plan is None or plan.version < pool_version:
            plan = self._rebuild.anew(office_id, plan)
        for _ in range(_TRIES):
            held = self._ask(office_id, plan, wish, rows_of)
            if held:
                return held
            plan = self._rebuild.anew(office_id, plan)
        raise Unavailable("redis")

    def _ask(self, office_id: str, plan: Plan, wish: _Wish, rows_of: Callable[[Held], Sequence[Row]]) -> Held | None:
        """None: the pool is not the one of `plan`, or no longer the one that the log was read for."""
        held: Held | None = None

        def rows(answer: list[str]) -> Sequence[Row]:
            nonlocal held
            held = _held(answer, plan)
            return rows_of(held) if held else ()

        try:
            answer = self._rows.write_after(self._call(office_id, plan, wish), rows, Behind(office_id, plan.fence))
        except CalleaseError as error:
            if held and held.new:
                self.take_back(office_id, wish.subject, held)
            if isinstance(error, Overtaken):
                return None
            raise
        match answer:
            case ["limited", retry_after]:
                raise LimitExceeded("too_many_reveals", max(1, int(retry_after)))
            case ["empty"]:
                raise NotFound("no_numbers")
        return held

    def _call(self, office_id: str, plan: Plan, wish: _Wish) -> ScriptCall:
        key, limits = self._rebuild.keys(office_id), wish.limits
        keys = [
            key("stamp"),
            key.hold(plan.fence, wish.subject),
            key("visitor", limits.visitor or "-"),
            key("address", limits.address or "-"),
            *(key("class", name) for name in plan.classes),
        ]

        def arguments(run_id: str) -> Sequence[str | int]:
            return (
                plan.stamp(run_id),
                wish.lease_id,
                wish.seconds,
                _wanted(plan.classes, wish.source_class),
                limits.a_visitor if limits.visitor else 0,
                limits.an_address if limits.address else 0,
                "" if wish.virtual_ms is None else wish.virtual_ms,
            )

        return ScriptCall(self._lease, keys, arguments)

    def take_back(self, office_id: str, subject: str, held: Held) -> None:
        """Undoes a lease that nobody was told of."""
        key, plan = self._rebuild.keys(office_id), held.plan
        keys = [key("stamp"), key.hold(plan.fence, subject), key("class", held.number_class)]
        values = (held.lease_id, held.number_id, ms(held.expires_at), held.held_before_ms)
        self._store.run(ScriptCall(self._release, keys, lambda run_id: (plan.pool(run_id), *values)))


def subject_of(listing: str | None, visitor: str | None, session: str | None, lease_id: str) -> str:
    """Whose lease it is: (visitor, listing), without a visitor (session, listing), with neither this lease alone."""
    who = f"v:{visitor}" if visitor else f"s:{session}" if session else f"l:{lease_id}"
    return hashlib.sha256(f"{who}\n{listing or ''}".encode()).hexdigest()[:32]


def _held(answer: list[str], plan: Plan) -> Held | None:
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
                plan=plan,
            )
    return None


def _wanted(classes: tuple[str, ...], source_class: str) -> int:
    """Index of the class's own free set, else of the unsplit numbers' one, else 0: borrow."""
    for name in (source_class, UNSPLIT):
        if name in classes:
            return classes.index(name) + 1
    return 0


def _moment(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
