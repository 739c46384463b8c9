"""The pool against a model of a few lines, in any order of leases, changes, losses and pauses, on a virtual clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from callease.base.clock import SetClock
from callease.base.errors import NotFound
from callease.catalog.catalog import create_office
from callease.catalog.models import Office
from callease.numbers.models import Lease, Number
from callease.numbers.numbers import create_number, retire_number, update_number
from callease.numbers.pool import Held, Limits, NumberPool
from callease.web.services import Services
from tests.factories import Cast

CLASSES = ("organic", "paid_search", None)
ASKED = ("organic", "paid_search", "social")
SUBJECTS = ("v1", "v2", "v3", "v4", "v5", "v6")
LEASE_SECONDS = 60
UNCOUNTED = Limits(visitor=None, address=None)


@dataclass
class ModelNumber:
    """What the model knows of a number: `until` is None for one that was never leased."""

    id: str
    source_class: str | None
    until: datetime | None = None

    def free(self, now: datetime) -> bool:
        return self.until is None or self.until <= now

    @property
    def coldness(self) -> float:
        """How long ago its last hold ended: the smaller, the colder."""
        return self.until.timestamp() if self.until else 0.0


@dataclass
class Model:
    """The rule of the design, in its own words: the class's coldest, the office's coldest, the coldest shared."""

    numbers: dict[str, ModelNumber] = field(default_factory=dict)
    leases: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)

    def expected(self, subject: str, source_class: str, now: datetime) -> tuple[bool, set[str], str] | None:
        """Whether the lease is new, the numbers it may have, its outcome; None for an office without numbers."""
        if held := self.leases.get(subject):
            number, outcome, until = held
            if until > now and number in self.numbers:
                return False, {number}, outcome
        if not self.numbers:
            return None
        free = [number for number in self.numbers.values() if number.free(now)]
        # A class that the office does not split off is served by the numbers for any class.
        split = {number.source_class for number in self.numbers.values()}
        wanted = source_class if source_class in split else None
        own = [number for number in free if number.source_class == wanted]
        for candidates, outcome in ((own, "dynamic"), (free, "borrowed"), (self.numbers.values(), "shared")):
            if candidates:
                coldest = min(number.coldness for number in candidates)
                return True, {number.id for number in candidates if number.coldness == coldest}, outcome
        raise AssertionError("an office with numbers has one to give")

    def lease(self, subject: str, number_id: str, outcome: str, until: datetime) -> None:
        self.numbers[number_id].until = until
        self.leases[subject] = (number_id, outcome, until)


class PoolMachine(RuleBasedStateMachine):
    """One office of a real database and a real Redis per example."""

    digits = count(1)

    def __init__(self, parts: Services, cast: Cast, clock: SetClock) -> None:
        super().__init__()
        self.parts, self.cast, self.clock = parts, cast, clock
        # Two processes with one pool: each has its own idea of the office's numbers.
        self.pools = [NumberPool(parts.database, parts.redis, parts.rows, clock) for _ in range(2)]
        self.model = Model()
        self.log: list[tuple[Held, str]] = []
        # Whole milliseconds, as the leases' own times are.
        self.clock.set(datetime.now(UTC).replace(microsecond=0))
        with parts.database.transaction() as session:
            self.office_id = create_office(session, clock, {"name": "Model", "destinations": []}).id

    @initialize(classes=st.lists(st.sampled_from(CLASSES), min_size=1, max_size=5))
    def begin(self, classes: list[str | None]) -> None:
        for source_class in classes:
            self._add(source_class)

    @rule(asks=st.lists(st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(ASKED), st.integers(0, 1)), max_size=6))
    def lease(self, asks: list[tuple[str, str, int]]) -> None:
        """Some visitors ask, each at one of the processes, a moment after one another."""
        for subject, source_class, process in asks:
            self._ask(subject, source_class, process)
            self.clock.advance(0.001)

    def _ask(self, subject: str, source_class: str, process: int) -> None:
        expected = self.model.expected(subject, source_class, self.clock.now())
        try:
            held = self._lease(process, subject, source_class)
        except NotFound:
            assert expected is None
            return
        assert expected is not None
        new, numbers, outcome = expected
        assert (held.new, held.outcome) == (new, outcome)
        assert held.number_id in numbers
        if held.new:
            assert held.leased_at == self.clock.now()
            assert held.expires_at == self.clock.now() + timedelta(seconds=LEASE_SECONDS)
            self.model.lease(subject, held.number_id, held.outcome, held.expires_at)
            self._log(held, subject, source_class)

    @rule(seconds=st.sampled_from((0.5, 30, LEASE_SECONDS - 0.001, LEASE_SECONDS, 3_000)))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def redis_loses_everything(self) -> None:
        self.parts.redis.call(lambda client: client.flushall())

    @rule(source_class=st.sampled_from(CLASSES))
    def add_a_number(self, source_class: str | None) -> None:
        self._add(source_class)

    @rule(data=st.data())
    def retire_a_number(self, data: st.DataObject) -> None:
        if not self.model.numbers:
            return
        number_id = data.draw(st.sampled_from(sorted(self.model.numbers)))
        with self.parts.database.transaction() as session:
            retire_number(session, session.get_one(Number, number_id))
        del self.model.numbers[number_id]

    @rule(data=st.data(), source_class=st.sampled_from(CLASSES))
    def change_a_class(self, data: st.DataObject, source_class: str | None) -> None:
        if not self.model.numbers:
            return
        number_id = data.draw(st.sampled_from(sorted(self.model.numbers)))
        with self.parts.database.transaction() as session:
            number = session.get_one(Number, number_id)
            update_number(session, self.clock, number, {"source_class": source_class}, timedelta(days=60))
        self.model.numbers[number_id].source_class = source_class

    @invariant()
    def a_number_is_alone_or_shared(self) -> None:
        """However it came about: two live leases of one number, and the later one says that it is shared."""
        live = [held for held, _ in self.log if held.expires_at > self.clock.now()]
        for number_id in {held.number_id for held in live}:
            on_it = sorted((held for held in live if held.number_id == number_id), key=lambda held: held.leased_at)
            assert all(held.outcome == "shared" for held in on_it[1:])

    def _lease(self, process: int, subject: str, source_class: str) -> Held:
        with self.parts.database.reading() as session:
            version = session.scalars(select(Office.pool_version).where(Office.id == self.office_id)).one()
        moment = round(self.clock.now().timestamp() * 1000)
        asked = (
            source_class,
            subject,
            f"lse_model_{next(self.digits)}",
            LEASE_SECONDS,
            UNCOUNTED,
            lambda _: (),
            moment,
        )
        return self.pools[process].lease(self.office_id, version, *asked)

    def _add(self, source_class: str | None) -> None:
        fields = {"office_id": self.office_id, "source_class": source_class, "role": "lease"}
        with self.parts.database.transaction() as session:
            number = create_number(session, self.clock, {"e164": f"+7999{next(self.digits):07d}", **fields})
            self.model.numbers[number.id] = ModelNumber(number.id, source_class)

    def _log(self, held: Held, subject: str, source_class: str) -> None:
        self.log.append((held, subject))
        row = Lease(
            id=held.lease_id,
            number_id=held.number_id,
            office_id=self.office_id,
            site_id=self.cast.site["id"],
            subject=subject,
            source_class=source_class,
            kind="shared" if held.outcome == "shared" else "dynamic",
            borrowed=held.outcome == "borrowed",
            consented=True,
            leased_at=held.leased_at,
            expires_at=held.expires_at,
        )
        with self.parts.database.transaction() as session:
            session.add(row)


def test_the_pool_does_what_the_model_does(parts: Services, cast: Cast, clock: SetClock) -> None:
    few = settings(
        max_examples=settings.default.max_examples,
        stateful_step_count=40,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(lambda: PoolMachine(parts, cast, clock), settings=few)
