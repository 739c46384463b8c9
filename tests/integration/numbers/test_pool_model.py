"""The pool against a model of a few lines, in any order of leases, changes, losses and pauses, on a virtual clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from math import exp

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from callease.base.clock import SetClock
from callease.base.errors import NotFound
from callease.catalog.catalog import create_office
from callease.catalog.models import Office
from callease.numbers.damage import COSTS, Costs, Sums
from callease.numbers.delays import FIRST_SECONDS, DelayCurves
from callease.numbers.log import SqlLeaseLog
from callease.numbers.models import Lease, Number
from callease.numbers.numbers import create_number, retire_number, update_number
from callease.numbers.pool import Held, LeaseRequest, NumberPool
from callease.numbers.weighing import Weighing
from callease.web.services import Services
from tests.factories import Cast

CLASSES = ("organic", "paid_search", None)
ASKED = ("organic", "paid_search", "social")
SUBJECTS = ("v1", "v2", "v3", "v4", "v5", "v6")
LEASE_SECONDS = 60


CURVES = DelayCurves()


@dataclass
class ModelNumber:
    """What the model knows of a number: `until`, `last_class` and `sums` are None for one that was never leased."""

    id: str
    source_class: str | None
    until: datetime | None = None
    last_class: str | None = None
    sums: Sums | None = None

    def free(self, now: datetime) -> bool:
        return self.until is None or self.until <= now

    @property
    def warmth(self) -> tuple[float, str]:
        return self.sums.at.timestamp() if self.sums else 0.0, self.id

    def group(self, split: set[str | None]) -> tuple[str, str | None]:
        return ("split", self.source_class) if self.source_class in split else ("any", self.last_class)

    def damage(self, source_class: str, now: datetime, costs: Costs, alone: bool) -> float:
        """`alone`: it is the only one of another class."""
        held = 0.0 if self.free(now) else 0.001 * (costs.session + costs.source)
        if self.sums is None:
            return held
        age = (now - self.sums.at).total_seconds()
        damage = held
        for k, tau in enumerate(FIRST_SECONDS):
            others = sum(of[k] for name, of in self.sums.by_class.items() if name != source_class)
            cost = costs.session * self.sums.sessions[k] + costs.source * others * (costs.homeless if alone else 1)
            damage += CURVES.first[k] * exp(-age / tau) * cost
        return damage


@dataclass
class Model:
    """Which numbers a lease may get, and what it is then called."""

    costs: Costs
    numbers: dict[str, ModelNumber] = field(default_factory=dict)
    leases: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)

    def expected(self, subject: str, source_class: str, now: datetime) -> tuple[bool, dict[str, str]] | None:
        """Whether the lease is new, and the numbers it may have with its outcome; None for an office without numbers.

        More than one number only where they do the same damage, but for the last digits.
        """
        if held := self.leases.get(subject):
            number, outcome, until = held
            if until > now and number in self.numbers:
                return False, {number: "shared" if self._is_others(number, subject, now) else outcome}
        if not self.numbers:
            return None
        split = {number.source_class for number in self.numbers.values()} - {None}
        # A class that the office does not split off is served by the numbers for any class.
        wanted = source_class if source_class in split else None
        mine = ("split", wanted) if wanted else ("any", source_class)
        free, busy = self._coldest(split, now, free=True), self._coldest(split, now, free=False)
        own = [number for number in free.values() if number.source_class == wanted]
        candidates = own or [*free.values()]
        if not candidates:
            candidates = [*busy.values()]
        elif mine not in free and mine in busy:
            candidates.append(busy[mine])
        damage = {
            number.id: number.damage(
                source_class, now, self.costs, self._is_the_only_one_of_another(number, split, mine)
            )
            for number in candidates
        }
        best = [number for number in candidates if damage[number.id] <= min(damage.values()) + 1e-9]
        return True, {number.id: self._outcome(number, wanted, now) for number in best}

    def _is_the_only_one_of_another(
        self, number: ModelNumber, split: set[str | None], mine: tuple[str, str | None]
    ) -> bool:
        group = number.group(split)
        if group[0] == "split" or group == mine or number.last_class is None:
            return False
        return sum(each.group(split) == group for each in self.numbers.values()) == 1

    def _is_others(self, number: str, subject: str, now: datetime) -> bool:
        leases = (lease for other, lease in self.leases.items() if other != subject)
        return any(on == number and until > now for on, _, until in leases)

    def _coldest(self, split: set[str | None], now: datetime, free: bool) -> dict[object, ModelNumber]:
        coldest: dict[object, ModelNumber] = {}
        for number in sorted(self.numbers.values(), key=lambda each: each.warmth):
            if number.free(now) is free:
                coldest.setdefault(number.group(split), number)
        return coldest

    @staticmethod
    def _outcome(number: ModelNumber, wanted: str | None, now: datetime) -> str:
        if not number.free(now):
            return "shared"
        return "dynamic" if number.source_class == wanted else "borrowed"

    def lease(self, subject: str, source_class: str, held: Held) -> None:
        number = self.numbers[held.number_id]
        number.until = max(held.expires_at, number.until or held.expires_at)
        number.last_class = source_class
        number.sums = number.sums or Sums(held.leased_at)
        number.sums.lease(source_class, held.leased_at, 1.0)
        self.leases[subject] = (held.number_id, held.outcome, held.expires_at)


class PoolMachine(RuleBasedStateMachine):
    """One office of a real database and a real Redis per example."""

    digits = count(1)

    def __init__(self, parts: Services, cast: Cast, clock: SetClock) -> None:
        super().__init__()
        self.parts, self.cast, self.clock = parts, cast, clock
        # Two processes with one pool: each has its own idea of the office's numbers.
        self.pools = [
            NumberPool(SqlLeaseLog(parts.database), parts.redis, parts.rows.write_after, clock) for _ in range(2)
        ]
        self.model = Model(COSTS["both"])
        self.log: list[tuple[Held, str]] = []
        # Whole milliseconds, as the leases' own times are.
        self.clock.set(datetime.now(UTC).replace(microsecond=0))
        with parts.database.transaction() as session:
            self.office_id = create_office(session, clock, {"name": "Model", "destinations": []}).id

    @initialize(
        objective=st.sampled_from(sorted(COSTS)), classes=st.lists(st.sampled_from(CLASSES), min_size=1, max_size=5)
    )
    def begin(self, objective: str, classes: list[str | None]) -> None:
        self.model.costs = COSTS[objective]
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
        new, numbers = expected
        assert held.new is new
        assert numbers.get(held.number_id) == held.outcome
        if held.new:
            assert held.leased_at == self.clock.now()
            assert held.expires_at == self.clock.now() + timedelta(seconds=LEASE_SECONDS)
            self.model.lease(subject, source_class, held)
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
        asked = LeaseRequest(
            office_id=self.office_id,
            pool_version=version,
            source_class=source_class,
            subject=subject,
            lease_id=f"lse_model_{next(self.digits)}",
            seconds=LEASE_SECONDS,
            weighing=Weighing(self.model.costs, CURVES),
            virtual_ms=moment,
        )
        return self.pools[process].lease(asked, lambda _: ())

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
            weight=1.0,
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
