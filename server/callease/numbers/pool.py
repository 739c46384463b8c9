"""The pool of one office in Redis: which of its numbers are free, and to which one a lease does the least damage.

The pool is an index of the lease log. Its stamp names the Redis server's run, the fence behind which the log was read,
and the version of the office's numbers; under any other stamp the pool is rebuilt from the log before it is used, so a
Redis that lost its data, or a number that was added, needs nobody's attention.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from callease.base.clock import Clock
from callease.base.errors import CalleaseError, NotFound, Unavailable
from callease.base.fences import Behind, Overtaken
from callease.base.group_commit import Guard, Row
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.numbers.damage import COVER, SpentOn
from callease.numbers.groups import CLASSES
from callease.numbers.log import LeaseLog
from callease.numbers.rebuild import LUA, WARMTH, Plan, PoolRebuild, ms
from callease.numbers.warmth import TIME_CONSTANTS
from callease.numbers.weighing import PLAIN, Weighing

_TRIES = 4
_STALE = -1  # what `spend.lua` says of a pool that is not the plan's

RunScript = Callable[[ScriptCall, Callable[[Any], Sequence[Row]], Behind, Guard | None], Any]
"""Runs a script, then makes the rows that come of its answer durable: `GroupCommit.write_after`."""


@dataclass(frozen=True)
class Held:
    """What Redis gave; `new` False: the subject holds it already. `outcome`: dynamic, borrowed or shared, by
    now; `made_as`: the same when the lease was made, for the log.

    `left_ms` is by Redis's clock, as the other times are: the clocks of two machines differ. `before`: warm since ms,
    index of its group, held until ms, where the number stood before this lease; `joined`: the group since,
    `several`: until when, ms, more than one lease held it before. `plan`: by
    which Redis was asked.
    """

    new: bool
    outcome: str
    made_as: str
    lease_id: str
    number_id: str
    e164: str
    leased_at: datetime
    expires_at: datetime
    left_ms: int
    before: tuple[int, int, int]
    joined: int
    several: int
    plan: Plan

    @property
    def age(self) -> timedelta:
        return self.expires_at - self.leased_at - timedelta(milliseconds=self.left_ms)


@dataclass(frozen=True)
class LeaseRequest:
    """`weight`: what the lease counts, 1, less where its visitor's phone is known: that caller's lease is no riddle.

    `guard`: asked first whether there may be a lease. `virtual_ms`: a replay's own time; None: Redis's.
    """

    office_id: str
    pool_version: int
    source_class: str
    subject: str
    lease_id: str
    seconds: int
    weighing: Weighing = PLAIN
    weight: float = 1.0
    guard: Guard | None = None
    virtual_ms: int | None = None


class NumberPool:
    """`classes`: the source classes that are expected, the common ones first."""

    def __init__(
        self,
        log: LeaseLog,
        store: Store,
        run: RunScript,
        clock: Clock,
        classes: Sequence[str] = CLASSES,
        prefix: str = "callease",
    ) -> None:
        self._store = store
        self._run = run
        self._rebuild = PoolRebuild(log, store, clock, classes, prefix)
        self._lease = LuaScript(WARMTH, LUA / "damage.lua", LUA / "lease.lua")
        self._release = LuaScript(WARMTH, LUA / "release.lua")
        self._spend = LuaScript(WARMTH, LUA / "spend.lua")

    def lease(self, asked: LeaseRequest, rows_of: Callable[[Held], Sequence[Row]]) -> Held:
        """The subject's live lease, or a new one where it does the least damage, once `rows_of`'s rows are durable.

        A new lease whose rows cannot be written is taken back.

        Raises what `guard` does, NotFound("no_numbers") when the office has none, Unavailable when Redis or SQL is
        down.
        """
        plan = self._rebuild.present(asked.office_id)
        if plan is None or plan.version < asked.pool_version:
            plan = self._rebuild.anew(asked.office_id, plan)
        for _ in range(_TRIES):
            held = self._ask(plan, asked, rows_of)
            if held:
                return held
            plan = self._rebuild.anew(asked.office_id, plan)
        raise Unavailable("redis")

    def _ask(self, plan: Plan, asked: LeaseRequest, rows_of: Callable[[Held], Sequence[Row]]) -> Held | None:
        """None: the pool is not the one of `plan`, or no longer the one that the log was read for."""
        held: Held | None = None

        def rows(answer: list[str]) -> Sequence[Row]:
            nonlocal held
            held = _held(answer, plan)
            return rows_of(held) if held else ()

        try:
            answer = self._run(self._lease_call(plan, asked), rows, Behind(asked.office_id, plan.fence), asked.guard)
        except CalleaseError as error:
            if held and held.new:
                self.take_back(asked, held)
            if isinstance(error, Overtaken):
                return None
            raise
        match answer:
            case ["empty"]:
                raise NotFound("no_numbers")
        return held

    def _lease_call(self, plan: Plan, asked: LeaseRequest) -> ScriptCall:
        key, groups = self._rebuild.keys(asked.office_id), plan.groups
        keys = [
            key("stamp"),
            key.hold(plan.fence, asked.subject),
            *key.pool(groups.count),
        ]

        def arguments(run_id: str) -> Sequence[str | int | bytes]:
            return (
                plan.stamp(run_id),
                asked.lease_id,
                asked.seconds,
                asked.source_class,
                groups.own(asked.source_class),
                len(groups.fixed),
                groups.last_leased(asked.source_class),
                "" if asked.virtual_ms is None else asked.virtual_ms,
                repr(asked.weighing.costs.session),
                repr(asked.weighing.costs.source),
                repr(asked.weighing.costs.homeless),
                repr(asked.weight),
                repr(COVER),
                asked.weighing.delay,
            )

        return ScriptCall(self._lease, keys, arguments)

    def take_back(self, asked: LeaseRequest, held: Held) -> None:
        """Undoes a lease that nobody was told of."""
        key, plan = self._rebuild.keys(asked.office_id), held.plan
        group, since = held.before[1], held.joined
        groups = [key("free", str(group)), key("busy", str(group)), key("busy", str(since))]
        keys = [key("stamp"), key.hold(plan.fence, asked.subject), key("warmth"), key("held"), *groups]
        values = (
            held.lease_id,
            held.number_id,
            asked.source_class,
            ms(held.leased_at),
            max(ms(held.expires_at), held.before[2]),
            *held.before,
            repr(asked.weight),
            repr(COVER),
            held.several,
        )
        self._store.run(ScriptCall(self._release, keys, lambda run_id: (plan.pool(run_id), *values)))

    def spend(self, told: Sequence[SpentOn]) -> None:
        """Those leases are in nobody's way any more.

        A pool that cannot be reached is passed over: what is rebuilt later knows it from the log. Raises Unavailable
        when Redis or SQL is down.
        """
        left = [(each, plan) for each in told if (plan := self._plan(each.office_id, None))]
        for _ in range(_TRIES):
            answers = self._store.run_all([self._spend_call(*each) for each in left]) if left else []
            stale = [each for each, answer in zip(left, answers, strict=True) if answer == _STALE]
            left = [(each, new) for each, plan in stale if (new := self._plan(each.office_id, plan))]

    def _plan(self, office_id: str, seen: Plan | None) -> Plan | None:
        """Any but `seen`, which turned out to be of no use. None: the pool cannot be reached."""
        present = self._rebuild.present(office_id)
        if present and seen is None:
            return present
        try:
            return self._rebuild.anew(office_id, seen)
        except Unavailable:
            return None

    def _spend_call(self, spent: SpentOn, plan: Plan) -> ScriptCall:
        key = self._rebuild.keys(spent.office_id)
        values: list[str | int | bytes] = [spent.number_id, spent.warm_since_ms, TIME_CONSTANTS]
        for lease in spent.leases:
            values += [lease.source_class, ms(lease.leased_at)]
            values += [repr(lease.part), repr(lease.uncovered), repr(lease.restores)]
        keys = [key("stamp"), *key.pool(plan.groups.count)]
        return ScriptCall(self._spend, keys, lambda run_id: (plan.stamp(run_id), *values))


def subject_of(listing: str | None, visitor: str | None, session: str | None, lease_id: str) -> str:
    """Whose lease it is: (visitor, listing), without a visitor (session, listing), with neither this lease alone."""
    who = f"v:{visitor}" if visitor else f"s:{session}" if session else f"l:{lease_id}"
    return hashlib.sha256(f"{who}\n{listing or ''}".encode()).hexdigest()[:32]


def _held(answer: list[Any], plan: Plan) -> Held | None:
    """None for an answer without a lease, and for a number that was added while the plan was made."""
    match answer:
        case [found, lease, number, leased_ms, expires_ms, outcome, left_ms, *before] if number in plan.e164:
            since, group, held_until, joined, several = map(int, before)
            return Held(
                new=found == "new",
                outcome="shared" if found == "again" and several else outcome,
                made_as=outcome,
                lease_id=lease,
                number_id=number,
                e164=plan.e164[number],
                leased_at=_moment(leased_ms),
                expires_at=_moment(expires_ms),
                left_ms=int(left_ms),
                before=(since, group, held_until),
                joined=joined,
                several=several,
                plan=plan,
            )
    return None


def _moment(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
