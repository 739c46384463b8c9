"""Codes of numbers that serve many leases at once: who is given which, and who had one.

Redis says which code is given next; it is an index of the log. A number's codes carry the run id of the Redis server as
their stamp, and are added anew from SQL under any other. What Redis may have forgotten meanwhile the log refuses: of
two leases that took one code from the same lease before, only one can be written, and the other takes another code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import CalleaseError, Unavailable
from callease.base.group_commit import GroupCommit, Row
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.catalog.models import Office
from callease.numbers.codes import LENGTHS, REST, Length
from callease.numbers.models import Lease, NumberCode
from callease.numbers.pool import LeaseRequest
from callease.numbers.rebuild_locks import RebuildLocks
from callease.numbers.roads import CodeNumber

_LUA = Path(__file__).parent / "lua"
_TRIES = 4
# Codes that one script adds: Redis does nothing else meanwhile.
_BATCH = 2_000
# No lease is longer, see the site's `lease_seconds`.
_LEASE_AT_MOST = timedelta(days=1)
_HOLDERS_AT_MOST = 8


@dataclass(frozen=True)
class Coded:
    """A lease of a number with a code; `new` False: the subject holds it already. The times are by Redis's clock.

    `free_since`: when the code's lease before it ended, the beginning of time when there was none.
    """

    new: bool
    lease_id: str
    number: CodeNumber
    code: str
    leased_at: datetime
    expires_at: datetime
    free_since: datetime
    left_ms: int
    outcome: str = "dynamic"

    @property
    def made_as(self) -> str:
        return self.outcome

    @property
    def number_id(self) -> str:
        return self.number.id

    @property
    def e164(self) -> str:
        return self.number.e164

    @property
    def age(self) -> timedelta:
        return self.expires_at - self.leased_at - timedelta(milliseconds=self.left_ms)

    def row(self) -> Row:
        """What belongs into the log beside the lease itself."""
        values = {
            "id": self.lease_id,
            "number_id": self.number.id,
            "code": self.code,
            "free_since": self.free_since,
            "leased_at": self.leased_at,
            "expires_at": self.expires_at,
        }
        return NumberCode, values


@dataclass(frozen=True)
class Asked:
    """Who asks for a code, as for a number of the office's own; `held_only`: for one that is held already."""

    request: LeaseRequest
    visitor: str | None
    held_only: bool = False


class Extensions:
    def __init__(
        self,
        database: Database,
        store: Store,
        rows: GroupCommit,
        clock: Clock,
        prefix: str = "callease",
        lengths: Sequence[Length] = LENGTHS,
    ) -> None:
        self._database = database
        self._store = store
        self._rows = rows
        self._clock = clock
        self._prefix = prefix
        self._lengths = lengths
        self._locks = RebuildLocks()
        self._rebuilt: dict[str, int] = {}
        self._take = LuaScript(_LUA / "extension.lua")
        self._add = LuaScript(_LUA / "extension_rebuild.lua")
        self._release = LuaScript(_LUA / "extension_release.lua")

    def lease(
        self,
        numbers: Sequence[CodeNumber],
        asked: Asked,
        rows_of: Callable[[Coded], Sequence[Row]],
    ) -> Coded | None:
        """The subject's live lease, or a new one with a code, once the rows that `rows_of` makes are durable.

        The first of `numbers` that has a code gives it. None when there is none to give, or none held where only those
        are wanted. Raises what the request's guard does, Unavailable when Redis or SQL is down.
        """
        for number in numbers:
            if coded := self._lease(number, asked, rows_of):
                return coded
        return None

    def _lease(
        self,
        number: CodeNumber,
        asked: Asked,
        rows_of: Callable[[Coded], Sequence[Row]],
    ) -> Coded | None:
        asked_of: list[str] = []  # the run ids of the servers that were asked
        call = self._call(number.id, asked, asked_of)
        for _ in range(_TRIES):
            seen = self._rebuilt.get(number.id, 0)
            coded: Coded | None = None

            def rows(answer: list[str]) -> Sequence[Row]:
                nonlocal coded
                coded = _coded(answer, number)
                return rows_of(coded) if coded else ()

            try:
                answer = self._rows.write_after(call, rows, guard=asked.request.guard)
            except CalleaseError as error:
                if coded and coded.new:
                    self._take_back(asked, coded)
                if error.code != "changed_meanwhile":
                    raise
                answer = ["cold"]  # the code is another lease's, written since the codes were read
            match answer:
                case ["cold"]:
                    self._rebuild(number.id, seen, asked_of[-1])
                case _:
                    return coded
        raise Unavailable("redis")

    def _call(self, number_id: str, asked: Asked, asked_of: list[str]) -> ScriptCall:
        request = asked.request
        keys = [
            self._key(number_id, "stamp"),
            self._subject_key(number_id, request.office_id, request.subject),
            *(self._key(number_id, "codes", str(length.first)) for length in self._lengths),
        ]
        lengths = [each for length in self._lengths for each in (length.first, length.size, length.step)]

        def arguments(run_id: str) -> Sequence[str | int]:
            asked_of.append(run_id)
            return (
                run_id,
                request.lease_id,
                0 if asked.held_only else request.seconds,
                int(REST.total_seconds() * 1000),
                "" if request.virtual_ms is None else request.virtual_ms,
                *lengths,
            )

        return ScriptCall(self._take, keys, arguments)

    def _take_back(self, asked: Asked, coded: Coded) -> None:
        length = next(length for length in self._lengths if length.index(coded.code) is not None)
        number_id = coded.number.id
        subject_key = self._subject_key(number_id, asked.request.office_id, asked.request.subject)
        keys = [subject_key, self._key(number_id, "codes", str(length.first))]
        values = (coded.lease_id, coded.code, _ms(coded.expires_at), _ms(coded.free_since))
        self._store.run(ScriptCall(self._release, keys, lambda _: values))

    def _rebuild(self, number_id: str, seen: int, run_id: str) -> None:
        """One thread does it, the others wait; `seen` is how many there had been when the caller asked in vain.

        `run_id`: of the server that was asked. One that is started anew meanwhile has lost what is added here.
        """
        with self._locks.alone(number_id):
            if self._rebuilt.get(number_id, 0) == seen:
                self._add_what_is_logged(number_id, run_id)
                self._rebuilt[number_id] = seen + 1

    def _add_what_is_logged(self, number_id: str, run_id: str) -> None:
        now = self._clock.now()
        with self._database.reading() as session:
            logged = session.execute(
                select(NumberCode.code, func.max(NumberCode.expires_at))
                .where(NumberCode.number_id == number_id)
                .group_by(NumberCode.code)
            ).all()
            live = session.execute(
                select(NumberCode, Lease.office_id, Lease.subject)
                .join(Lease, Lease.id == NumberCode.id)
                .where(Lease.number_id == number_id, Lease.leased_at > now - _LEASE_AT_MOST)
                .where(Lease.expires_at > now)
            ).all()
        held_until = {code: _ms(until) for code, until in logged}
        for length in self._lengths:
            key = self._key(number_id, "codes", str(length.first))
            for batch in _batches(length.used(held_until)):
                self._add_to([key], ["", *batch])
        keys, values = [self._key(number_id, "stamp")], [run_id]
        for row, office_id, subject in live:
            keys.append(self._subject_key(number_id, office_id, subject))
            times = f"{_ms(row.leased_at)} {_ms(row.expires_at)} {_ms(row.free_since)}"
            values += [f"{row.id} {row.code} {times}", str(max(1, int((row.expires_at - now).total_seconds())))]
        self._add_to(keys, values)

    def _add_to(self, keys: Sequence[str], values: Sequence[str | int]) -> None:
        self._store.run(ScriptCall(self._add, keys, lambda _: values))

    def _subject_key(self, number_id: str, office_id: str, subject: str) -> str:
        """Of the office too: a listing that another office answers for by now needs another code."""
        return self._key(number_id, "subject", office_id, subject)

    def _key(self, number_id: str, *parts: str) -> str:
        return ":".join((f"{self._prefix}:{{{number_id}}}", *parts))


def holders_of_code(session: Session, number_id: str, code: str, at: datetime, until: datetime) -> list[Lease]:
    """Leases with that code, from before `until`, that a call at `at` may be of: the newest first.

    There is another than the newest only when codes had to be given again before they had rested. A lease whose office
    was retired by then has none to call.
    """
    there = or_(Office.retired_at.is_(None), Office.retired_at > at)
    query = (
        select(Lease)
        .join(NumberCode, NumberCode.id == Lease.id)
        .join(Office, Office.id == Lease.office_id)
        .where(NumberCode.number_id == number_id, NumberCode.code == code, NumberCode.leased_at <= until, there)
        .order_by(NumberCode.leased_at.desc(), NumberCode.id.desc())
        .limit(_HOLDERS_AT_MOST)
    )
    found = session.scalars(query).all()
    return [lease for place, lease in enumerate(found) if place == 0 or lease.expires_at > at - REST]


def _coded(answer: list[str], number: CodeNumber) -> Coded | None:
    """None for an answer without a lease."""
    match answer:
        case [found, lease, code, leased_ms, expires_ms, free_ms, left_ms]:
            return Coded(
                new=found == "new",
                lease_id=lease,
                number=number,
                code=code,
                leased_at=_moment(leased_ms),
                expires_at=_moment(expires_ms),
                free_since=_moment(free_ms),
                left_ms=int(left_ms),
            )
    return None


def _batches(held_until: dict[str, int]) -> Iterator[list[str | int]]:
    codes = iter(held_until.items())
    while batch := [each for pair in islice(codes, _BATCH) for each in pair]:
        yield batch


def _moment(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
