"""The wall: an advertiser's user or token sees that advertiser's rows and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

from callease.base.errors import Forbidden, NotFound
from callease.tenancy.roles import READ, Role, may

T = TypeVar("T")


@dataclass(frozen=True)
class Principal:
    """Whoever asks: a user of the cabinet or the holder of an API token."""

    id: str
    role: Role
    advertiser_id: str | None

    @property
    def walled(self) -> bool:
        return self.role is Role.ADVERTISER

    def require(self, action: str, resource: str) -> None:
        """404 for what this role may not know of, 403 for what it may see and not do."""
        if may(self.role, action, resource):
            return
        raise Forbidden() if may(self.role, READ, resource) else NotFound()

    def within(self, query: Select[T], advertiser_column: ColumnElement[Any] | Any) -> Select[T]:
        """`query` narrowed to the rows of the principal's own advertiser; `advertiser_column` says whose a row is."""
        if not self.walled:
            return query
        return query.where(advertiser_column == self.advertiser_id)

    def advertiser_for_new(self, wanted: str | None) -> str | None:
        """The advertiser that a new row belongs to: one's own, whatever was asked, or 404 for another's."""
        if not self.walled:
            return wanted
        if wanted is not None and wanted != self.advertiser_id:
            raise NotFound("unknown_advertiser")
        return self.advertiser_id
