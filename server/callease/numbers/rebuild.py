"""The pool of one office is written anew from the lease log, where Redis lost it or the office's numbers changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from callease.base.clock import Clock
from callease.base.errors import Unavailable
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.numbers.damage import PastLease, sums_of, warm_since
from callease.numbers.groups import Groups
from callease.numbers.log import LeaseLog, LiveLease, PoolFacts
from callease.numbers.rebuild_locks import RebuildLocks
from callease.numbers.warmth import LAYOUT, packed

LUA = Path(__file__).parent / "lua"
WARMTH = LUA / "warmth.lua"
_TRIES = 4


@dataclass(frozen=True)
class Plan:
    """The groups of an office's numbers, and their digits, as of `version`.

    `fence`: behind which the lease log was read. Holds of another fence are not believed, hence it is in their keys.
    """

    version: int
    fence: int
    groups: Groups
    e164: Mapping[str, str]

    def pool(self, run_id: str) -> str:
        """What a pool is called for as long as it goes on."""
        return _pool(run_id, self.fence)

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

    def pool(self, groups: int) -> tuple[str, ...]:
        """Warmth, held numbers, groups of free ones, groups of held ones."""
        return _pool_keys(self.base, groups)


class PoolRebuild:
    """What this process knows of the pools, and how it makes them new."""

    def __init__(self, log: LeaseLog, store: Store, clock: Clock, classes: Sequence[str], prefix: str) -> None:
        self._log = log
        self._classes = classes
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._plans: dict[str, Plan] = {}
        self._locks = RebuildLocks()
        self._continues = LuaScript(LUA / "continues.lua")
        self._write = LuaScript(WARMTH, LUA / "rebuild.lua")

    def keys(self, office_id: str) -> Keys:
        return Keys(f"{self._prefix}:{{{office_id}}}")

    def present(self, office_id: str) -> Plan | None:
        return self._plans.get(office_id)

    def anew(self, office_id: str, seen: Plan | None) -> Plan:
        """One thread does it, the others wait for its result; `seen` is the plan that turned out to be of no use.

        Raises Unavailable.
        """
        with self._locks.alone(office_id):
            present = self._plans.get(office_id)
            if present is not None and present is not seen:
                return present
            for tried in range(_TRIES):
                # A pool of a later version than the database's, which was restored perhaps, has to end at last.
                plan = self._write_pool(office_id, may_go_on=tried < _TRIES - 1)
                if plan:
                    self._plans[office_id] = plan
                    return plan
            raise Unavailable("redis")

    def _write_pool(self, office_id: str, may_go_on: bool) -> Plan | None:
        """None when the pool became another one meanwhile.

        Rows on their way are in a pool that goes on. Where there is none, the fence makes them come before the log is
        read, or not at all.
        """
        key = self.keys(office_id)
        fence = self._log.fence(office_id)
        expected = ScriptCall(self._continues, [key("stamp")], lambda run_id: [_pool(run_id, fence)])
        goes_on = may_go_on and self._store.run(expected)
        if not goes_on:
            fence = self._log.raise_fence(office_id)
        now = self._clock.now()
        facts = self._log.pool_of(office_id, now)
        groups = Groups.of((number.source_class for number in facts.numbers), self._classes)
        plan = Plan(facts.version, fence, groups, {number.id: number.e164 for number in facts.numbers})
        keys, contents = _contents(plan, facts, now, key)
        # What was read is good for one writing: after it was used and lost, a second one would forget the holds.
        good_for = [int(not goes_on)]

        def once(run_id: str) -> Sequence[str | int | bytes]:
            return [plan.stamp(run_id), good_for.pop() if good_for else 0, *contents]

        return plan if self._store.run(ScriptCall(self._write, keys, once)) else None


def _contents(plan: Plan, facts: PoolFacts, now: datetime, key: Keys) -> tuple[list[str], list[str | int | bytes]]:
    """Keys and, but for the first two, arguments of `rebuild.lua`."""
    held = {each.id: ms(each.held_until) if each.held_until else 0 for each in facts.numbers}
    live = [each for each in facts.live if each.number_id in held]
    for lease in live:
        held[lease.number_id] = max(held[lease.number_id], ms(lease.expires_at))
    past = [each for each in facts.leases if each.number_id in held]
    sums, since = sums_of(past), _warm_since(past, [id_ for id_, until in held.items() if until])
    several = _several_until(live)
    last_class = {each.number_id: each.source_class for each in past}
    values: list[str | int | bytes] = [ms(now), plan.groups.count, len(facts.numbers)]
    for number in facts.numbers:
        group = plan.groups.group_of(number.source_class, last_class.get(number.id))
        warm_since_ms = since.get(number.id, 0)
        values += [number.id, group, warm_since_ms, held[number.id]]
        of = sums.get(number.id)
        values.append(packed(of, warm_since_ms, group, several.get(number.id, 0)) if of else b"")
    for lease in live:
        times = f"{ms(lease.leased_at)} {ms(lease.expires_at)}"
        values.append(f"{lease.id} {lease.number_id} {times} {lease.outcome}")
        values.append(max(1, int((lease.expires_at - now).total_seconds())))
    holds = [key.hold(plan.fence, lease.subject) for lease in live]
    return [key("stamp"), *key.pool(plan.groups.count), *holds], values


def _warm_since(past: Sequence[PastLease], shown: Sequence[str]) -> dict[str, int]:
    """In ms, of the numbers that were `shown`."""
    newest_first: dict[str, list[tuple[datetime, float]]] = {id_: [] for id_ in shown}
    for lease in reversed(past):
        newest_first.setdefault(lease.number_id, []).append((lease.leased_at, lease.pending))
    return {id_: warm_since(leases) for id_, leases in newest_first.items()}


def _several_until(live: Iterable[LiveLease]) -> dict[str, int]:
    """By number: until when, in ms, more than one lease holds it."""
    ends: dict[str, list[int]] = {}
    for lease in live:
        ends.setdefault(lease.number_id, []).append(ms(lease.expires_at))
    return {id_: sorted(of)[-2] for id_, of in ends.items() if len(of) > 1}


def _pool(run_id: str, fence: int) -> str:
    return f"{LAYOUT}-{run_id}:{fence}"


@lru_cache(maxsize=4_096)
def _pool_keys(base: str, groups: int) -> tuple[str, ...]:
    indexes = range(1, groups + 1)
    return (
        f"{base}:warmth",
        f"{base}:held",
        *(f"{base}:{kind}:{index}" for kind in ("free", "busy") for index in indexes),
    )


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
