"""One office of any size in a Redis of the benchmark's own: filled by the real rebuild, asked as the real pool asks."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import redis

from callease.base.clock import SetClock
from callease.base.fences import Behind
from callease.base.group_commit import Guard, Row
from callease.base.redis import RedisStore, ScriptCall
from callease.numbers.damage import PastLease
from callease.numbers.log import LiveLease, PooledNumber, PoolFacts
from callease.numbers.pool import LeaseRequest, NumberPool

CLASSES = ("direct", "organic", "paid_search", "social", "aggregator", "referral")
LEASE_SECONDS = 1_800
# Another visitor every so often: fifty numbers are held at any moment, whatever the size of the office.
EVERY_SECONDS = LEASE_SECONDS // 50
_OFFICE = "off_bench"
_BEGINS = datetime(2026, 11, 26, tzinfo=UTC)
_LEASES_BEFORE = 3


class BenchLog:
    """The lease log of an office that owns `size` numbers, each leased `_LEASES_BEFORE` times or never."""

    def __init__(self, size: int, warm: bool, split: bool) -> None:
        draw = random.Random(size)
        classes = [CLASSES[index % len(CLASSES)] for index in range(size)]
        self._numbers = [
            PooledNumber(f"num_{index:026d}", f"+7{index:010d}", classes[index] if split else None, None)
            for index in range(size)
        ]
        past = [
            PastLease(number.id, draw.choice(CLASSES), _BEGINS - timedelta(seconds=draw.randrange(2 * 3_600, 86_400)))
            for number in self._numbers
            for _ in range(_LEASES_BEFORE if warm else 0)
        ]
        self._past = sorted(past, key=lambda lease: lease.leased_at)
        self._last = {lease.number_id: lease.leased_at + timedelta(seconds=LEASE_SECONDS) for lease in self._past}

    def pool_of(self, office_id: str, now: datetime) -> PoolFacts:
        numbers = [PooledNumber(n.id, n.e164, n.source_class, self._last.get(n.id)) for n in self._numbers]
        live: Sequence[LiveLease] = ()
        return PoolFacts(1, numbers, live, self._past)

    def fence(self, office_id: str) -> int:
        return 1

    def raise_fence(self, office_id: str) -> int:
        return 1


class BenchOffice:
    """`leases()` are commands ready to be sent, each of another visitor, some time after the one before."""

    def __init__(self, url: str, size: int, warm: bool, split: bool) -> None:
        self._store = RedisStore(url, answer_seconds=300)
        self.client: redis.Redis = self._store.client
        self.client.flushall()
        self._asked: list[ScriptCall] = []
        log = BenchLog(size, warm, split)
        self._pool = NumberPool(log, self._store, self._run, SetClock(_BEGINS), CLASSES)
        self._made = count(1)
        self._templates = [self._values(name) for name in CLASSES]

    def leases(self, number: int) -> list[bytes]:
        return [_packed("EVALSHA", *self._next()) for _ in range(number)]

    def gets(self, number: int) -> list[bytes]:
        """What the least script costs: the same number of commands."""
        sha = self.client.script_load("return redis.call('GET', KEYS[1])")
        return [_packed("EVALSHA", sha, 1, self._templates[0][2])] * number

    def connections(self, number: int) -> list[Any]:
        return [self.client.connection_pool.get_connection() for _ in range(number)]

    def close(self) -> None:
        self.client.connection_pool.disconnect()
        self._store.close()

    def _next(self) -> list[Any]:
        index = next(self._made)
        values = self._templates[index * 7 % len(self._templates)].copy()
        keys = int(values[1])
        # KEYS 2 is the subject's own, ARGV 2 and 8 are the lease's id and the time.
        values[3] = f"{values[3]}{index}"
        values[keys + 3] = f"lse_{index:026d}"
        values[keys + 9] = self._ms(index)
        return values

    def _values(self, source_class: str) -> list[Any]:
        """Of the pool's own call for that class: the script's hash, the count of keys, keys, arguments."""
        asked = LeaseRequest(
            office_id=_OFFICE,
            pool_version=1,
            source_class=source_class,
            subject=f"{source_class}-",
            lease_id="lse_warm",
            seconds=LEASE_SECONDS,
            virtual_ms=self._ms(next(self._made)),
        )
        self._pool.lease(asked, lambda _: ())
        connection = self.client.connection_pool.get_connection()
        call = self._asked[-1]
        values = [call.script.sha, *call.values(connection.run_id)]
        self.client.connection_pool.release(connection)
        return values

    def _run(
        self, call: ScriptCall, rows_of: Callable[[Any], Sequence[Row]], behind: Behind, guard: Guard | None
    ) -> Any:
        self._asked.append(call)
        answer = self._store.run(call)
        rows_of(answer)
        return answer

    @staticmethod
    def _ms(index: int) -> int:
        return int((_BEGINS.timestamp() + index * EVERY_SECONDS) * 1_000)


def _packed(*parts: str | int) -> bytes:
    """In Redis's protocol."""
    texts = [str(part).encode() for part in parts]
    return b"".join((b"*%d\r\n" % len(texts), *(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)))
