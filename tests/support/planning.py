"""An operator who asks the planner, and the log that it looks at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from sqlalchemy import insert, select

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.ids import new_id
from callease.numbers.models import Lease, Number, SpentLease
from callease.planning.planner import Planner
from tests.factories import Cast, OfficeOfCast

Row = dict[str, Any]
ENOUGH_FOR_A_PROPOSAL = {"paid_search": 1500, "organic": 500, "social": 200}
"""Reveals of an office with a few numbers, in four weeks."""


# Seconds from a reveal to its call, None where none comes.
_DELAYS = (180, None, None, 600, None) * 3 + (90, None, None, 86_400, None)


def _first_calls(leased: list[Row]) -> list[Row]:
    what = {"p": 1.0, "hidden": False, "pool_told": True, "told_p": 1.0}
    return [
        {
            "call_id": new_id("call"),
            "lease_id": lease["id"],
            "at": lease["leased_at"] + timedelta(seconds=delay),
            **what,
        }
        for lease, delay in zip(leased, cycle(_DELAYS), strict=False)
        if delay
    ]


@dataclass
class Desk:
    """An operator, and the log that the planner looks at."""

    cast: Cast
    database: Database
    clock: Clock
    planner: Planner

    def seen(self, office: OfficeOfCast, e164: str, days: float = 28, **reveals: int) -> None:
        """`reveals`: of each class, on one number, evenly over the days until now; two of five bring a call."""
        begins, now = self.clock.now() - timedelta(days=days), self.clock.now()
        with self.database.transaction() as session:
            number_id = session.scalars(select(Number.id).where(Number.e164 == e164)).one()
            leased = [
                self._lease(office, number_id, name, begins + (now - begins) * (place / count))
                for name, count in reveals.items()
                for place in range(count)
            ]
            session.execute(insert(Lease), leased)
            session.execute(insert(SpentLease), _first_calls(leased))

    def _lease(self, office: OfficeOfCast, number_id: str, source_class: str, at: datetime) -> dict[str, Any]:
        id_ = new_id("lse")
        columns = {"id": id_, "number_id": number_id, "office_id": office.id, "site_id": self.cast.site["id"]}
        what = {
            "subject": id_,
            "source_class": source_class,
            "kind": "dynamic",
            "borrowed": False,
            "consented": True,
            "weight": 1.0,
        }
        return {**columns, **what, "leased_at": at, "expires_at": at + timedelta(minutes=30)}

    def a_busy_and_an_idle_office(self) -> None:
        """Alatau's first office has far too few numbers; nobody has ever seen two of those of Riverside."""
        self.seen(self.cast.alatau_sales, self.cast.alatau_sales.numbers[0][1], **ENOUGH_FOR_A_PROPOSAL)
        self.seen(self.cast.alatau_riverside, self.cast.alatau_riverside.numbers[0][1], paid_search=6)

    def look(self) -> list[Row]:
        """Has the planner look at the log; what it proposes now, best first."""
        self.cast.api.post("/proposal-runs", {})
        self.turn()
        return self.proposals("proposed")

    def turn(self) -> None:
        """What a worker and its child do about proposals."""
        self.planner.turn()
        if task := self.planner.claim():
            self.planner.record(task.id, task.compute())

    def proposals(self, state: str, kind: str | None = None) -> list[Row]:
        found = self.cast.api.all(f"/proposals?state={state}")
        return [each for each in found if kind in (None, each["kind"])]

    def decide(self, proposal: Row, action: str, expected: int = 200) -> Row:
        answered: Row = self.cast.api.post(f"/proposals/{proposal['id']}/{action}", expected=expected)
        return answered

    def purchase(self) -> Row:
        """For Zhaina, of which enough is known for one, when nobody wants to move numbers."""
        self.seen(self.cast.zhaina_sales, self.cast.zhaina_sales.numbers[0][1], organic=900, social=400)
        for move in self.look():
            if move["kind"] != "buy":
                self.decide(move, "dismiss")
        (found,) = self.look()
        assert (found["kind"], found["office"]) == ("buy", self.cast.zhaina_sales.id)
        return found

    def add_numbers(self, office: OfficeOfCast, count: int) -> None:
        known = len(self.cast.api.all("/numbers"))
        for index in range(known, known + count):
            self.cast.api.post("/numbers", {"e164": f"+7717298{index:04d}", "office": office.id})
