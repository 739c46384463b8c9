"""By which numbers an office can be reached with a code: its own, those of its advertiser, those of the portal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import aliased

from callease.base.database import Database
from callease.catalog.changes import ChangeMark, Memory
from callease.catalog.models import Office
from callease.numbers.models import Number

OWN, ADVERTISERS, PORTALS = range(3)
# Each may have to be asked whether the visitor holds a code of it.
_AT_MOST = 8


@dataclass(frozen=True)
class CodeNumber:
    """A number with codes; `rank`: OWN, ADVERTISERS (another office's of the same one), PORTALS (a call centre's)."""

    id: str
    e164: str
    rank: int


@dataclass(frozen=True)
class Road:
    """`leases`: the office owns numbers to lease. `numbers`: with codes, the nearest owner's first; often none."""

    leases: bool
    numbers: tuple[CodeNumber, ...]

    def own(self) -> tuple[CodeNumber, ...]:
        return tuple(number for number in self.numbers if number.rank == OWN)

    def nearest(self) -> tuple[CodeNumber, ...]:
        return tuple(number for number in self.numbers if number.rank == self.numbers[0].rank)

    def seen_by(self, visitor: str) -> Road:
        """The same with the numbers of one rank in an order of the visitor's own, which new numbers hardly disturb."""

        def place(number: CodeNumber) -> tuple[int, str]:
            return number.rank, hashlib.sha256(f"{visitor}\n{number.id}".encode()).hexdigest()

        return Road(self.leases, tuple(sorted(self.numbers, key=place))[:_AT_MOST])


class Roads:
    """Remembers what it found for as long as a `Memory` does."""

    def __init__(self, database: Database, changes: ChangeMark) -> None:
        self._database = database
        self._known: Memory[str, Road] = Memory(changes)

    def of(self, office_id: str) -> Road:
        """Raises Unavailable."""
        road = self._known.find(office_id, lambda: self._read(office_id))
        assert road is not None, "an office without numbers has a road without numbers"
        return road

    def _read(self, office_id: str) -> Road:
        leases = select(Number.id).where(
            Number.office_id == office_id, Number.role == "lease", Number.state == "active"
        )
        with self._database.reading() as session:
            rows: Sequence[Any] = session.execute(_numbers_with_codes(office_id)).all()
            owns = bool(rows) and session.scalar(leases.limit(1)) is not None
        return Road(owns, tuple(CodeNumber(row.id, row.e164, _rank(row, office_id)) for row in rows))


def _rank(row: Any, office_id: str) -> int:
    if row.office_id == office_id:
        return OWN
    return PORTALS if row.advertiser_id is None else ADVERTISERS


def _numbers_with_codes(office_id: str) -> Select[*tuple[Any, ...]]:
    served = aliased(Office)
    return (
        select(Number.id, Number.e164, Number.office_id, Office.advertiser_id)
        .join(Office, Office.id == Number.office_id)
        .join(served, served.id == office_id)
        .where(Number.role == "extension", Number.state == "active", Office.retired_at.is_(None))
        .where(or_(Office.advertiser_id.is_(None), Office.advertiser_id == served.advertiser_id))
    )
