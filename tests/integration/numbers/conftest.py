"""A number that is to move, and all who have to do with it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from callease.base.clock import SetClock, rfc3339
from callease.catalog.models import Office
from callease.web.services import Services
from callease.worker import Worker
from tests.factories import Cast, OfficeOfCast
from tests.support.http import Answer
from tests.support.people import Telephone

DAY = 86_400
OLD_CALLER, NEW_CALLER = "+77011234567", "+77017654321"


@dataclass
class Move:
    """A number of Alatau that was shown, called by OLD_CALLER, and is to move to Saryarka."""

    cast: Cast
    parts: Services
    clock: SetClock
    e164: str
    id: str
    worker: Worker

    @property
    def old(self) -> OfficeOfCast:
        return self.cast.alatau_sales

    @property
    def new(self) -> OfficeOfCast:
        return self.cast.saryarka_sales

    @property
    def telephone(self) -> Telephone:
        return Telephone(self.cast.transport, self.cast.account, lambda: self.clock.now().timestamp())

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cast.api.get(f"/numbers/{self.id}")
        return found

    def to(self, office: OfficeOfCast) -> dict[str, Any]:
        answered: dict[str, Any] = self.cast.api.patch(f"/numbers/{self.id}", {"office": office.id})
        return answered

    def days_later(self, days: float) -> None:
        """The time passes and the worker has its turn."""
        self.clock.advance(days * DAY)
        self.worker.complete_moves()

    def route(self, call: str, caller: str | None) -> dict[str, Any]:
        answer = self.telephone.route(call, self.e164, caller, at=rfc3339(self.clock.now()))
        assert answer.status == 200, answer.body
        routed: dict[str, Any] = answer.json
        return routed

    def event(self, type_: str, call: str, caller: str | None, **fields: Any) -> Answer:
        return self.telephone.event(type_, call, self.e164, caller, **{"at": rfc3339(self.clock.now()), **fields})

    def pool_version(self, office: OfficeOfCast) -> int:
        with self.parts.database.reading() as session:
            return session.scalars(select(Office.pool_version).where(Office.id == office.id)).one()

    def goes_to(self, office: OfficeOfCast, call: str, caller: str | None) -> None:
        """The route answer, and the call and the lead that come of its events."""
        routed = self.route(call, caller)
        assert (routed["office"], routed["advertiser"]) == (office.id, office.advertiser)
        assert [each["to"] for each in routed["destinations"]] == [office.phone]
        assert self.event("ringing", call, caller).status == 200
        ended = self.event("ended", call, caller, disposition="answered", wait=3, talk=20, duration=23)
        assert ended.status == 200
        self.belongs_to(office, call)

    def told(self, call: str) -> str:
        """All that the API says of a call and its lead."""
        (row,) = self.cast.api.all(f"/calls?provider_call_id={call}")
        return json.dumps([row, self.cast.api.all(f"/leads?call={row['id']}")])

    def belongs_to(self, office: OfficeOfCast, call: str) -> None:
        (row,) = self.cast.api.all(f"/calls?provider_call_id={call}")
        (lead,) = self.cast.api.all(f"/leads?call={row['id']}")
        assert (row["office"], row["advertiser"]) == (office.id, office.advertiser)
        assert lead["advertiser"] == office.advertiser
        (as_seen,) = self.cast.api.all(f"/leads?office={office.id}&call={row['id']}")
        assert as_seen["id"] == lead["id"]


@pytest.fixture
def move(cast: Cast, parts: Services, clock: SetClock) -> Move:
    e164 = cast.page().reveal("ZHK-1001", visitor="v").json["number"]
    (number,) = cast.api.all(f"/numbers?e164=%2B{e164[1:]}")
    made = Move(cast, parts, clock, e164, number["id"], Worker(parts))
    clock.advance(60)
    made.goes_to(made.old, "before", OLD_CALLER)
    clock.advance(60)
    return made
