"""Revisions tell readers of the routing snapshot, cheaply, that something has changed, and which listings.

A revision's row stays locked until the transaction that bumped it ends, so revisions are committed in their order and
"everything above the revision that I have" misses nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from callease.base.database import Base, Database
from callease.catalog.changes import ChangeMark
from callease.catalog.models import Advertiser, Listing, Office, Revision, Site

ROUTING, LISTINGS = "routing", "listings"
_CHANGED, _MARK = "catalogue changed", "catalogue mark"

_revision_of: dict[type[Base], str] = {Site: ROUTING, Advertiser: ROUTING, Office: ROUTING, Listing: LISTINGS}


def watch(model: type[Base]) -> None:
    """Changes of `model`'s rows bump the routing revision from now on."""
    _revision_of[model] = ROUTING


def share(database: Database, mark: ChangeMark) -> None:
    """Changes `mark` after every commit to `database` in this process that changed the catalogue."""
    database.session_info[_MARK] = mark


@event.listens_for(Session, "after_commit")
def _change_mark(session: Session) -> None:
    mark = session.info.get(_MARK)
    if mark and session.info.pop(_CHANGED, False):
        mark.change()


def current(session: Session) -> dict[str, int]:
    return dict(session.execute(select(Revision.name, Revision.value)).all())


def changed(session: Session, model: type[Base]) -> None:
    """Says what a statement does that changes `model`'s rows past the session: only rows of its own are watched.

    Call it before the statement, so that the revision's row is locked in the same order as everywhere.
    """
    session.info[_CHANGED] = True
    _bump(session, _revision_of[model])


def _bump(session: Session, name: str) -> int:
    statement = update(Revision).where(Revision.name == name).values(value=Revision.value + 1)
    return session.execute(statement.returning(Revision.value)).scalar_one()


@event.listens_for(Session, "before_flush")
def _bump_what_changed(session: Session, _context: Any, _instances: Any) -> None:
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    revisions: dict[str, int] = {}
    session.info[_CHANGED] = session.info.get(_CHANGED) or any(type(row) in _revision_of for row in changed)
    for name in sorted({_revision_of[type(row)] for row in changed if type(row) in _revision_of}):
        revisions[name] = _bump(session, name)
    for row in changed:
        if isinstance(row, Listing):
            row.revision = revisions[LISTINGS]
