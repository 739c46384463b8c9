"""Leases numbers of one office without a web server in between."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from callease.base.group_commit import Row
from callease.catalog.catalog import create_office
from callease.catalog.models import Office
from callease.numbers.damage import SpentOn
from callease.numbers.log import SqlLeaseLog
from callease.numbers.models import Lease
from callease.numbers.numbers import create_number
from callease.numbers.pool import Held, LeaseRequest, NumberPool
from callease.numbers.rebuild import WARMTH
from callease.numbers.weighing import PLAIN, Weighing
from callease.web.services import Services
from tests.factories import Cast

LEASE_SECONDS = 1_800


def no_rows(_held: Held) -> Sequence[Row]:
    return ()


_READ_WARMTH = """
local all = redis.call('HGETALL', KEYS[1])
for i = 2, #all, 2 do
  local head, at, classes = head_of(all[i]), CLASSES, {}
  while at <= #all[i] do
    local class = class_at(all[i], at)
    classes[class[1]], at = {unpack(class, 2, 1 + COMPONENTS)}, class[2 + COMPONENTS]
  end
  local whole = {unpack(head, ALL + 1, ALL + COMPONENTS)}
  local sessions = {unpack(head, SESSIONS + 1, SESSIONS + COMPONENTS)}
  all[i] = cjson.encode({head[1], whole, classes, head[2], head[3], sessions, head[4]})
end
return all
"""


class Desk:
    """Leases numbers of one office at moments of the test's choice: seconds from now on. What it leases is logged."""

    def __init__(self, parts: Services, cast: Cast, office_id: str) -> None:
        self.pool = NumberPool(SqlLeaseLog(parts.database), parts.redis, parts.rows.write_after, parts.clock)
        self.requests: dict[str, LeaseRequest] = {}
        self.office_id = office_id
        self._parts = parts
        self._cast = cast
        self._began = parts.clock.now()

    @classmethod
    def of_a_new_office(cls, parts: Services, cast: Cast, numbers: int) -> "Desk":
        with parts.database.transaction() as session:
            office_id = create_office(session, parts.clock, {"name": "Desk", "destinations": []}).id
            for _ in range(numbers):
                e164 = f"+7998{uuid4().int % 10_000_000:07d}"
                create_number(session, parts.clock, {"e164": e164, "office_id": office_id, "role": "lease"})
        return cls(parts, cast, office_id)

    def lease(
        self,
        subject: str,
        source_class: str = "social",
        at: float = 0.0,
        seconds: int = LEASE_SECONDS,
        weight: float = 1.0,
        weighing: Weighing = PLAIN,
        logged: bool = True,
    ) -> Held:
        asked = self.request(subject, source_class, at, seconds, weight, weighing)
        held = self.pool.lease(asked, no_rows)
        self.requests[held.lease_id] = asked
        if held.new and logged:
            self._log(held, subject, source_class)
        return held

    def request(
        self,
        subject: str,
        source_class: str = "social",
        at: float = 0.0,
        seconds: int = LEASE_SECONDS,
        weight: float = 1.0,
        weighing: Weighing = PLAIN,
    ) -> LeaseRequest:
        return LeaseRequest(
            office_id=self.office_id,
            pool_version=self._version(),
            source_class=source_class,
            subject=subject,
            lease_id=f"lse_{uuid4().hex}",
            seconds=seconds,
            weighing=weighing,
            weight=weight,
            virtual_ms=self.ms(at),
        )

    def ms(self, at: float) -> int:
        return int((self._began.timestamp() + at) * 1000)

    def rebuild(self) -> None:
        """By another process, which has not seen the pool and has something to say of it."""
        other = Desk(self._parts, self._cast, self.office_id)
        other.rebuild_here()

    def rebuild_here(self) -> None:
        self.pool.spend([SpentOn(self.office_id, "num_none", [], 0)])

    def warmth(self) -> dict[str, Sequence[Any]]:
        """Of each number that may still bring a call: the moment, what is pending of all leases and of each class, warm
        since, the index of its group, what is pending of sessions, until when more than one lease holds it."""
        key = f"callease:{{{self.office_id}}}:warmth"
        flat = self._parts.redis.call(
            lambda client: client.eval(WARMTH.read_text(encoding="utf-8") + _READ_WARMTH, 1, key)
        )
        kept = {number: json.loads(each) for number, each in zip(flat[::2], flat[1::2], strict=True)}
        return {number: each for number, each in kept.items() if each[3]}

    def take_back(self, held: Held) -> None:
        self.pool.take_back(self.requests[held.lease_id], held)

    def number(self, subject: str, source_class: str = "social", at: float = 0.0) -> str:
        return self.lease(subject, source_class, at).e164

    def outcome(self, subject: str, source_class: str = "social", at: float = 0.0) -> tuple[str, str]:
        held = self.lease(subject, source_class, at)
        return held.e164, held.outcome

    def _version(self) -> int:
        """As the catalogue knows it when the request comes."""
        with self._parts.database.reading() as session:
            return session.scalar(select(Office.pool_version).where(Office.id == self.office_id)) or 0

    def _log(self, held: Held, subject: str, source_class: str) -> None:
        row = Lease(
            id=held.lease_id,
            number_id=held.number_id,
            office_id=self.office_id,
            site_id=self._cast.site["id"],
            subject=subject,
            visitor=subject,
            source_class=source_class,
            kind="shared" if held.outcome == "shared" else "dynamic",
            borrowed=held.outcome == "borrowed",
            consented=True,
            weight=self.requests[held.lease_id].weight,
            leased_at=held.leased_at,
            expires_at=held.expires_at,
        )
        with self._parts.database.transaction() as session:
            session.add(row)
