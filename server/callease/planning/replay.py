"""A replay: the lease script and the resolver on somebody's traffic, on a virtual clock, with a Redis of its own."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from callease.attribution.facts import LeaseFacts, Memory, Question
from callease.attribution.resolver import Resolution, resolve
from callease.base.clock import SetClock
from callease.base.embedded_redis import EmbeddedRedis
from callease.base.errors import Unavailable
from callease.base.fences import Behind
from callease.base.group_commit import Guard, Row
from callease.base.redis import RedisStore, ScriptCall
from callease.numbers.damage import COSTS, NEWS, REMEMBERED, LoggedLease, PastLease, spent_on
from callease.numbers.delays import DelayCurves, DelayLearner
from callease.numbers.log import LiveLease, PooledNumber, PoolFacts
from callease.numbers.pool import Held, LeaseRequest, NumberPool, subject_of
from callease.numbers.weighing import Weighing
from callease.planning.allocation import allocate
from callease.planning.demand import Demand

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
LEASE_SECONDS = 1_800
_LEARN_EVERY = timedelta(hours=1)
# A plan is made anew when the time seen has grown by a quarter, and four times a day in the end.
_PLAN_SOON, _PLAN_GROWTH, _PLAN_LATE = timedelta(minutes=10), 0.25, timedelta(hours=6)
# Half of the numbers stay without an owner until demand has been seen for four days.
_RESERVE, _RELEASED_AFTER = 0.5, timedelta(days=4)
_OF_LATE = timedelta(days=3)
# A replay has nobody waiting, and perhaps a busy machine.
_PATIENCE_SECONDS = 60.0
_KNOWN_STEP = 0.05
# Whoever means more has mistyped.
_NUMBERS_AT_MOST = 1_000_000
_LEASES_OF_VISITOR = 4


@dataclass(frozen=True)
class Setup:
    """NUMBERS.json: the classes, the offices with their weights, and how many numbers there are."""

    classes: Sequence[str]
    weights: Mapping[str, float]
    numbers: int

    @classmethod
    def read(cls, parsed: Any) -> Setup:
        """Raises ValueError with what is wrong."""
        if not isinstance(parsed, dict):
            raise ValueError("is not an object")
        classes, offices, numbers = parsed.get("classes"), parsed.get("offices"), parsed.get("numbers")
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ValueError("`classes` is not a list of names")
        if not isinstance(offices, list) or not offices or not all(isinstance(each, dict) for each in offices):
            raise ValueError("`offices` is not a list of offices")
        if not all(isinstance(each.get("id"), str) for each in offices):
            raise ValueError("an office has no `id`")
        if not isinstance(numbers, int) or isinstance(numbers, bool) or numbers < 0:
            raise ValueError("`numbers` is not a count")
        if numbers > _NUMBERS_AT_MOST:
            raise ValueError(f"`numbers` is more than {_NUMBERS_AT_MOST:,}")
        return cls(classes, {each["id"]: float(each.get("weight") or 0.0) for each in offices}, numbers)


@dataclass
class _Mix:
    """How often a number was leased to each class of late."""

    rates: dict[str, float] = field(default_factory=dict)
    at: datetime = BEGINS

    def add(self, source_class: str, at: datetime) -> None:
        left = math.exp((self.at - at) / _OF_LATE)
        self.rates = {name: rate * left for name, rate in self.rates.items()}
        self.rates[source_class] = self.rates.get(source_class, 0.0) + 1.0
        self.at = at

    def most(self) -> str | None:
        return max(self.rates, key=self.rates.__getitem__, default=None)


@dataclass
class _Number:
    """A number that has its owner; `leases` newest last, `logged` the same as its pool counts them, oldest first."""

    id: str
    office: str
    leases: deque[LeaseFacts] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    logged: deque[LoggedLease] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    held_until: datetime | None = None
    classes: _Mix = field(default_factory=lambda: _Mix())
    live: dict[str, LiveLease] = field(default_factory=dict)


class _Log:
    """The lease log of the replay, in memory."""

    def __init__(self) -> None:
        self.numbers: dict[str, _Number] = {}
        self.of_office: dict[str, list[_Number]] = {}

    def fence(self, _office_id: str) -> int:
        """Nobody else writes."""
        return 1

    raise_fence = fence

    def pool_of(self, office_id: str, now: datetime) -> PoolFacts:
        numbers = self.of_office.get(office_id, [])
        live = [each for number in numbers for each in number.live.values() if each.expires_at > now]
        past = [
            PastLease(number.id, lease.source_class, lease.leased_at, lease.pending)
            for number in numbers
            for lease in number.logged
        ]
        pooled = [PooledNumber(each.id, each.id, None, each.held_until) for each in numbers]
        return PoolFacts(len(numbers), pooled, live, past)

    def give(self, office_id: str) -> None:
        """One more number for the office, for ever."""
        number = _Number(f"n{len(self.numbers) + 1}", office_id)
        self.numbers[number.id] = number
        self.of_office.setdefault(office_id, []).append(number)


class Replay:
    """Takes reveals and calls in the order of time; what it says of a call rests on what came before it."""

    def __init__(self, setup: Setup, objective: str, store: RedisStore) -> None:
        self._setup = setup
        self._clock = SetClock(BEGINS)
        self._log = _Log()
        self._pool = NumberPool(self._log, store, _run_alone(store), self._clock, setup.classes)
        self._offices = list(setup.weights)
        self._demand = Demand(self._offices, setup.classes, setup.weights)
        self._learner = DelayLearner()
        self._weighing = Weighing(COSTS[objective], DelayCurves())
        self._learn_at = self._plan_at = datetime.min.replace(tzinfo=UTC)
        self._targets: dict[str, int] = {}
        self._owed = 0
        self._began: datetime | None = None
        # What the replayer's telephone knows, the resolver never: the number that a reveal was shown.
        self._shown: dict[int, str] = {}
        self._reveal_of: dict[str, int] = {}
        self._memory: dict[tuple[str, str], Memory] = {}
        self._anywhere: dict[str, Memory] = {}
        # The probability that a visitor's phone is known, and that visitor's last leases with their numbers.
        self._known: dict[str, float] = {}
        self._leases_of: dict[str, deque[tuple[_Number, str]]] = {}

    def reveal(self, event: Mapping[str, Any]) -> None:
        at = self._advance(event["t"])
        office, source_class = event["office"], event["class"]
        self._demand.count(office, source_class)
        self._plan(at)
        if self._may_grow(office, source_class, at):
            self._give(office)
        owned = len(self._log.of_office.get(office, ()))
        if not owned:
            return
        id_ = f"l{event['id']}"
        asked = LeaseRequest(
            office_id=office,
            pool_version=owned,
            source_class=source_class,
            subject=subject_of(event["listing"], event["visitor"], None, id_),
            lease_id=id_,
            seconds=LEASE_SECONDS,
            weighing=self._weighing,
            weight=1.0 - self._known.get(event["visitor"], 0.0),
            virtual_ms=round(at.timestamp() * 1000),
        )
        held = self._pool.lease(asked, lambda _: ())
        self._shown[event["id"]] = held.number_id
        self._reveal_of[held.lease_id] = event["id"]
        if held.new:
            self._keep(event, held, asked)
        else:
            self._ask_again(held, at)

    def call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one call, as the contract writes it."""
        at = self._advance(event["t"])
        number = self._log.numbers.get(self._shown.get(event["of"], ""))
        if number is None:
            nothing = {"office": None, "class": None, "reveal": None}
            return {"of": event["of"], "number": None, **nothing, "confidence": dict.fromkeys(_CONFIDENCES, 0.0)}
        caller = event["caller"]
        question = Question(
            at=at,
            owner_office_id=number.office,
            number_class=None,
            caller_known=caller is not None,
            leases=list(reversed(number.leases)),
            on_this_number=self._memory.get((number.id, caller)),
            anywhere=self._anywhere.get(caller),
        )
        found = resolve(question, self._weighing.curves)
        self._learn(at, number, caller, found)
        return {
            "of": event["of"],
            "number": number.id,
            "office": found.office_id,
            "class": found.source_class,
            "reveal": self._reveal_of[found.lease_id] if found.lease_id else None,
            "confidence": {"office": found.office, "source": found.source, "session": found.session},
        }

    def _advance(self, seconds: float) -> datetime:
        at = BEGINS + timedelta(seconds=seconds)
        self._began = self._began or at
        self._clock.set(at)
        if at >= self._learn_at:
            self._learn_at = at + _LEARN_EVERY
            self._weighing = Weighing(self._weighing.costs, self._learner.curves())
        return at

    def _plan(self, at: datetime) -> None:
        assert self._began, "the clock was set"
        if at < self._plan_at or len(self._log.numbers) == self._setup.numbers:
            return
        seen = at - self._began
        self._plan_at = at + min(_PLAN_LATE, max(_PLAN_SOON, seen * _PLAN_GROWTH))
        rates = self._demand.rates(seen.total_seconds())
        owned = allocate(rates, self._setup.numbers, self._weighing.costs, self._weighing.curves)
        self._targets = dict(zip(self._offices, owned, strict=True))
        self._owed = sum(map(self._owed_to, self._offices))

    def _may_grow(self, office: str, source_class: str, at: datetime) -> bool:
        """Whether the office gets one of the numbers that have no owner yet: each office must have one in the end.

        Each class gets a number that is mostly its own before any gets a second one, and no office has more than that
        while another is still owed as much: a number never comes back, and rare classes come late.
        """
        assert self._began, "the clock was set"
        left = self._setup.numbers - len(self._log.numbers)
        owned = len(self._log.of_office.get(office, ()))
        if left <= 0 or owned == 0:
            return left > 0
        if left <= len(self._offices) - len(self._log.of_office):
            return False
        released = 1 - _RESERVE + _RESERVE * min(1.0, (at - self._began) / _RELEASED_AFTER)
        if owned >= max(1.0, self._targets[office] * released):
            return False
        if left <= self._owed and not self._owed_to(office):
            return False
        numbers = self._log.of_office[office]
        return owned >= len(self._setup.classes) or all(each.classes.most() != source_class for each in numbers)

    def _owed_to(self, office: str) -> int:
        """Numbers that the office is to have for its classes, which may be rare and come late, and has not got yet."""
        owned = len(self._log.of_office.get(office, ()))
        return max(0, min(self._targets.get(office, 0), len(self._setup.classes)) - owned)

    def _give(self, office: str) -> None:
        self._owed -= self._owed_to(office) > 0
        self._log.give(office)

    def _keep(self, event: Mapping[str, Any], held: Held, asked: LeaseRequest) -> None:
        number = self._log.numbers[held.number_id]
        number.leases.append(
            LeaseFacts(
                id=held.lease_id,
                office_id=number.office,
                site_id="",
                listing_id=event["listing"],
                visitor=event["visitor"],
                source_class=event["class"],
                leased_at=held.leased_at,
                kind=held.outcome,
                known=self._known.get(event["visitor"], 0.0),
            )
        )
        number.logged.append(LoggedLease(held.lease_id, event["class"], held.leased_at, asked.weight, 0.0))
        self._leases_of.setdefault(event["visitor"], deque(maxlen=_LEASES_OF_VISITOR)).append((number, held.lease_id))
        number.classes.add(event["class"], held.leased_at)
        number.held_until = max(held.expires_at, number.held_until or held.expires_at)
        number.live = {key: each for key, each in number.live.items() if each.expires_at > held.leased_at}
        live = LiveLease(held.lease_id, number.id, asked.subject, held.leased_at, held.expires_at, held.outcome)
        number.live[asked.subject] = live
        self._learner.leased(held.leased_at)

    def _ask_again(self, held: Held, at: datetime) -> None:
        leases = self._log.numbers[held.number_id].leases
        found = next((lease for lease in leases if lease.id == held.lease_id), None)
        if found:
            leases.remove(found)
            leases.append(replace(found, asked_at=at))

    def _learn(self, at: datetime, number: _Number, caller: str | None, found: Resolution) -> None:
        if caller is not None:
            self._memory[number.id, caller] = self._anywhere[caller] = found.memory
        if found.again_after:
            self._learner.called_again(at, *found.again_after)
        if not found.spent:
            return
        ages = [((at - lease.shown_at).total_seconds(), p) for lease, p in found.spent]
        self._learner.called(at, ages, caller is None, found.first)
        self._spend(number, {lease.id: p for lease, p in found.spent}, at, caller is None)
        if caller is not None:
            for visitor, p in found.memory.visitors.items():
                if p > self._known.get(visitor, 0.0) + _KNOWN_STEP:
                    self._recognise(visitor, p)

    def _spend(self, number: _Number, spent: Mapping[str, float], at: datetime, hidden: bool) -> None:
        for index, lease in enumerate(number.leases):
            if p := spent.get(lease.id):
                number.leases[index] = lease.after_call(p, at, hidden)
        for index, logged in enumerate(number.logged):
            if p := spent.get(logged.id):
                number.logged[index] = replace(logged, spent=logged.spent + p)
        if told := {id_: p for id_, p in spent.items() if p >= NEWS}:
            self._pool.spend([spent_on(number.office, number.id, reversed(number.logged), told)])

    def _recognise(self, visitor: str, p: float) -> None:
        """The visitor's phone is known with probability `p`: no stranger's call is taken for this visitor's."""
        self._known[visitor] = p
        for number, lease_id in self._leases_of.get(visitor, ()):
            for index, lease in enumerate(number.leases):
                if lease.id == lease_id:
                    number.leases[index] = replace(lease, known=p)
                    break


_CONFIDENCES = ("office", "source", "session")


def _run_alone(store: RedisStore) -> Any:
    def run(call: ScriptCall, rows_of: Any, _behind: Behind, _guard: Guard | None) -> Any:
        answer = store.run(call)
        rows: Sequence[Row] = rows_of(answer)
        assert not rows, "a replay keeps its log in memory"
        return answer

    return run


def replay(setup: Setup, objective: str, events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The answers to the calls among `events`, in their order."""
    with _own_redis() as store:
        replayed = Replay(setup, objective, store)
        for event in events:
            if event["kind"] == "reveal":
                replayed.reveal(event)
            else:
                yield replayed.call(event)


@contextmanager
def _own_redis() -> Iterator[RedisStore]:
    """A Redis that nobody else knows of, gone with the replay. Raises RuntimeError when it dies."""
    folder = Path(tempfile.mkdtemp(prefix="callease-", dir="/tmp"))
    server = EmbeddedRedis(folder, folder / "run" / "redis.sock", persistent=False)
    try:
        server.start()
        store = RedisStore(server.url, answer_seconds=_PATIENCE_SECONDS)
        try:
            yield store
        except Unavailable:
            raise RuntimeError(
                "the Redis that was started for a replay has ended: is the machine short of memory?"
            ) from None
        finally:
            store.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
