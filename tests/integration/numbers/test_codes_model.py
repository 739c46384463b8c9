"""The code book against a model of a few lines, in any order of leases, losses and pauses, on a virtual clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from callease.base.clock import SetClock
from callease.base.errors import Unavailable
from callease.base.group_commit import Row
from callease.numbers.codes import REST, Length
from callease.numbers.extensions import Asked, Coded, Extensions
from callease.numbers.models import Lease
from callease.numbers.numbers import create_number
from callease.numbers.pool import LeaseRequest
from callease.numbers.roads import CodeNumber
from callease.web.services import Services
from tests.factories import Cast

SUBJECTS = tuple(f"v{n}" for n in range(8))
LENGTHS = (Length(2, 2), Length(50, 2), Length(700, 3))
LEASE_SECONDS = 60
DAY = 86_400


@dataclass
class Model:
    """`until`: of each code that was ever told, when its last lease ended."""

    until: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def allowed(self, now: datetime) -> set[str]:
        """The codes that a new lease may have: of the shortest length with any that is fresh or has rested.

        Where there is none, the one that has rested longest, and never one that is held.
        """
        for length in LENGTHS:
            codes = {length.code(index) for index in range(length.size)}
            if good := {code for code in codes if code not in self.until or self.until[code] + REST <= now}:
                return good
        free = {code: until for code, until in self.until.items() if until <= now}
        return {code for code, until in free.items() if until == min(free.values())}


class CodesMachine(RuleBasedStateMachine):
    """One number of a real database and a real Redis per example, leased by two processes."""

    digits = count(1)

    def __init__(self, parts: Services, cast: Cast, clock: SetClock) -> None:
        super().__init__()
        self.parts, self.cast, self.clock = parts, cast, clock
        self.books = [Extensions(parts.database, parts.redis, parts.rows, clock, lengths=LENGTHS) for _ in range(2)]
        self.model = Model()
        self.told: list[Coded] = []
        self.clock.set(datetime.now(UTC).replace(microsecond=0))

    @initialize()
    def begin(self) -> None:
        fields = {"e164": f"+7998{next(self.digits):07d}", "role": "extension"}
        with self.parts.database.transaction() as session:
            number = create_number(session, self.clock, fields)
            self.number = CodeNumber(number.id, number.e164, 0)

    @rule(asks=st.lists(st.tuples(st.sampled_from(SUBJECTS), st.integers(0, 1)), max_size=6))
    def lease(self, asks: list[tuple[str, int]]) -> None:
        """Some visitors ask, each at one of the processes, a moment after one another."""
        for subject, process in asks:
            self._ask(subject, process)
            self.clock.advance(0.001)

    def _ask(self, subject: str, process: int) -> None:
        now = self.clock.now()
        code, until = self.model.held.get(subject, ("", now))
        coded = self._lease(process, subject)
        if until > now:
            assert coded
            assert (coded.new, coded.code) == (False, code)
            return
        allowed = self.model.allowed(now)
        if not allowed:
            assert coded is None
            return
        assert coded
        assert coded.new
        assert coded.code in allowed
        assert coded.expires_at == now + timedelta(seconds=LEASE_SECONDS)
        self.model.until[coded.code] = coded.expires_at
        self.model.held[subject] = (coded.code, coded.expires_at)
        self.told.append(coded)

    @rule(seconds=st.sampled_from((0.5, LEASE_SECONDS - 0.001, LEASE_SECONDS, 7 * DAY, 30 * DAY, 60 * DAY, 61 * DAY)))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def redis_loses_everything(self) -> None:
        self.parts.redis.call(lambda client: client.flushall())

    @rule(subject=st.sampled_from(SUBJECTS), process=st.integers(0, 1))
    def a_row_cannot_be_written(self, subject: str, process: int) -> None:
        """The visitor is told nothing, so the code is as good as never given."""

        def no_database(_coded: Coded) -> Sequence[Row]:
            raise Unavailable("database")

        if self.model.held.get(subject, ("", self.clock.now()))[1] > self.clock.now():
            return
        try:
            coded = self._lease(process, subject, no_database)
        except Unavailable:
            return
        assert coded is None

    @invariant()
    def no_two_live_leases_share_a_code(self) -> None:
        live = [coded.code for coded in self.told if coded.expires_at > self.clock.now()]
        assert len(live) == len(set(live))

    @invariant()
    def a_code_rests_unless_there_is_no_other(self) -> None:
        """Said once more without the model's rule: only when every code has been given within the last 60 days."""
        everything = sum(length.size for length in LENGTHS)
        for place, coded in enumerate(self.told):
            before = [other for other in self.told[:place] if other.expires_at > coded.leased_at - REST]
            if coded.code in {other.code for other in before}:
                assert len({other.code for other in before}) == everything

    def _lease(self, process: int, subject: str, rows: Any = None) -> Coded | None:
        asked = Asked(
            LeaseRequest(
                office_id=self.cast.alatau_sales.id,
                pool_version=0,
                source_class="direct",
                subject=subject,
                lease_id=f"lse_codes_{next(self.digits)}",
                seconds=LEASE_SECONDS,
                virtual_ms=round(self.clock.now().timestamp() * 1000),
            ),
            visitor=None,
        )

        def logged(coded: Coded) -> Sequence[Row]:
            return [(Lease, self._row(coded, subject)), coded.row()]

        return self.books[process].lease([self.number], asked, rows or logged)

    def _row(self, coded: Coded, subject: str) -> dict[str, Any]:
        columns: dict[str, Any] = dict.fromkeys(Lease.__table__.columns.keys())
        return columns | {
            "id": coded.lease_id,
            "number_id": coded.number_id,
            "office_id": self.cast.alatau_sales.id,
            "site_id": self.cast.site["id"],
            "subject": subject,
            "source_class": "direct",
            "kind": "dynamic",
            "borrowed": False,
            "consented": True,
            "weight": 1.0,
            "leased_at": coded.leased_at,
            "expires_at": coded.expires_at,
        }


def test_the_codes_do_what_the_model_does(parts: Services, cast: Cast, clock: SetClock) -> None:
    few = settings(
        max_examples=settings.default.max_examples,
        stateful_step_count=40,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(lambda: CodesMachine(parts, cast, clock), settings=few)
