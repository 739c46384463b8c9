"""The worker: events on their way, messages that were left over, numbers that move, what has become too old.

Any number may run, on any machine. Each claims what it does; what a dead one held is taken up by another.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete

from callease.attribution.models import MeasuredReveals, MeasuredVisits
from callease.base.errors import CalleaseError, Unavailable
from callease.base.ids import secret_token
from callease.delivery.guarded_http import GuardedHttp
from callease.delivery.relay import Parcel, Relay
from callease.numbers.numbers import complete_moves
from callease.planning.runner import Runner
from callease.planning.sizings import Sizings
from callease.web.api.idempotency import IdempotencyKey
from callease.web.health import HEARTBEAT_KEY
from callease.web.services import Services

_log = logging.getLogger(__name__)
_SLOTS = 16
# A receiver that holds this many slots gets no more until one is free, so a slow one cannot hold them all.
_SLOTS_AN_ENDPOINT = 4
_CLAIMED_AT_ONCE = 4
_TICK_SECONDS = 0.25
_HEARTBEAT_SECONDS, _HEARTBEAT_LASTS = 5.0, 30
_LEFT_OVER_SECONDS = 5.0
_MOVES_SECONDS = 30.0
_SPENT_SECONDS = 2.0
_LEARN_SECONDS = 3_600.0
_RUNNER_SECONDS = 2.0
_PLAN_SECONDS = 10.0
_TIDY_SECONDS = 3_600.0
_IDEMPOTENCY_KEPT = timedelta(days=2)
_MEASURED_KEPT = timedelta(days=400)


class Worker:
    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._relay = Relay(
            parts.database,
            parts.clock,
            parts.box,
            GuardedHttp(parts.settings.allow_private_urls),
            parts.settings.retry_seconds,
        )
        self._stopping = False
        # Not an Event: a signal that comes while its lock is held, in the same thread, would wait for ever.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._due: dict[str, datetime] = {}
        self._stuck: set[str] = set()
        self._name = secret_token(6)
        self._sizings = Sizings(parts.database, parts.clock)
        # Each has a child of its own: proposals need not wait for a sizing.
        self._runners = {"sizing": Runner(self._sizings), "proposals": Runner(parts.planner)}

    def stop(self) -> None:
        """Asks the worker to end: what it has begun is finished first. May be called by a signal handler."""
        self._stopping = True
        self._wake.put(None)

    def run(self) -> None:
        with ThreadPoolExecutor(_SLOTS, thread_name_prefix="delivery") as pool:
            while not self._stopping:
                idle = False
                try:
                    idle = not self._tick(pool)
                except Unavailable as error:
                    _log.warning("%s cannot be reached, waiting", error.code)
                    self._pause(1.0)
                except Exception:
                    _log.exception("a turn of the worker failed")
                    self._pause(1.0)
                if idle:
                    self._pause(_TICK_SECONDS)
        for runner in self._runners.values():
            runner.stop()

    def _pause(self, seconds: float) -> None:
        """Ends at once when the worker is asked to end."""
        with suppress(queue.Empty):
            self._wake.get(timeout=seconds)

    def _tick(self, pool: ThreadPoolExecutor) -> bool:
        """One turn; whether there was anything to deliver."""
        self._every(_HEARTBEAT_SECONDS, "heartbeat", self._beat)
        self._every(_LEFT_OVER_SECONDS, "left over", self._parts.intake.retry_due)
        self._every(_MOVES_SECONDS, "moves", self.complete_moves)
        self._every(_SPENT_SECONDS, "spent leases", self._tell_pools)
        self._every(_LEARN_SECONDS, "learning", self._parts.learning.catch_up)
        for name, runner in self._runners.items():
            self._every(_RUNNER_SECONDS, name, runner.turn)
        self._every(_TIDY_SECONDS, "sizings of the day", self._sizings.schedule)
        self._every(_PLAN_SECONDS, "purchases", self._parts.planner.turn)
        self._every(_TIDY_SECONDS, "tidy", self.tidy)
        events = self._relay.fan_out()
        with self._lock:
            free = _SLOTS - self._busy.total()
            full = [endpoint for endpoint, count in self._busy.items() if count >= _SLOTS_AN_ENDPOINT]
        parcels = self._relay.claim(min(free, _CLAIMED_AT_ONCE), not_to=full) if free > 0 else []
        for parcel in parcels:
            self._send(pool, parcel)
        return bool(events or parcels)

    def _send(self, pool: ThreadPoolExecutor, parcel: Parcel) -> None:
        with self._lock:
            self._busy[parcel.endpoint_id] += 1

        def done(future: Future[bool]) -> None:
            with self._lock:
                self._busy[parcel.endpoint_id] -= 1
            error = future.exception()
            if error and not isinstance(error, CalleaseError):
                _log.error("delivery %s could not be recorded", parcel.delivery_id, exc_info=error)

        pool.submit(self._relay.attempt, parcel).add_done_callback(done)

    def _every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        """A job that fails is logged and waits for its next turn: the others, and the deliveries, go on."""
        now = self._parts.clock.now()
        if self._due.get(name, now) > now:
            return
        self._due[name] = now + timedelta(seconds=seconds)
        try:
            job()
        except Unavailable:
            raise
        except Exception:
            _log.exception("the job %r failed", name)

    def _beat(self) -> None:
        try:
            self._parts.redis.call(
                lambda client: client.set(HEARTBEAT_KEY, self._name, ex=_HEARTBEAT_LASTS), HEARTBEAT_KEY
            )
        except Unavailable:
            # Deliveries do not need Redis: readyz will say that it is gone.
            _log.warning("Redis cannot be reached, no heartbeat")

    def complete_moves(self) -> None:
        """Gives numbers whose quarantine is over to their next office; of one that cannot move it tells once."""
        with self._parts.database.transaction() as session:
            moves = complete_moves(session, self._parts.clock)
        for number_id in sorted(set(moves.stuck) - self._stuck):
            _log.warning("number %s stays in quarantine with its owner: its next office is retired", number_id)
        self._stuck = set(moves.stuck)

    def _tell_pools(self) -> None:
        try:
            self._parts.spending.tell_pools()
        except Unavailable as error:
            if error.code != "redis":
                raise
            # The pools' next rebuild reads the log: deliveries need not wait for Redis.
            _log.warning("Redis cannot be reached, its pools are not told of calls")

    def tidy(self) -> None:
        with self._parts.database.transaction() as session:
            now = self._parts.clock.now()
            session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - _IDEMPOTENCY_KEPT))
            for measured in (MeasuredReveals, MeasuredVisits):
                session.execute(delete(measured).where(measured.hour_at < now - _MEASURED_KEPT))
