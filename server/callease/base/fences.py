"""Fences: what was prepared against a state that is no longer believed must not be written.

Whoever is about to read rows and build upon them raises the fence first. A writer names the value that it prepared
under, and learns in its own transaction whether it still stands. So its rows were there to be read, or they never come.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import String, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Session, mapped_column

from callease.base.database import Base, Database, insert_if_new
from callease.base.errors import Conflict

# A request waits behind it, and the script on the page gives up after 2 seconds.
_PATIENCE_SECONDS = 1.0
# PostgreSQL keeps the locks of a transaction whose machine died for hours. Nobody waits so long for rows.
_HANGS_SECONDS = 2
_HANGS = f"set_config('idle_in_transaction_session_timeout', '{_HANGS_SECONDS}s', true)"
_RAISING = text(f"SELECT {_HANGS}, set_config('lock_timeout', '{_PATIENCE_SECONDS}s', true)")


class Fence(Base):
    """A fence that was never raised has no row."""

    __tablename__ = "fences"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int]


class Overtaken(Conflict):
    """What was to be written was prepared behind a fence that has been raised since: prepare it anew."""

    def __init__(self) -> None:
        super().__init__("changed_meanwhile")


@dataclass(frozen=True)
class Behind:
    """What a writer prepared under."""

    name: str
    value: int


def fence_value(database: Database, name: str) -> int:
    """0: it was never raised. Raises Unavailable."""
    with database.reading() as session:
        return session.scalar(select(Fence.value).where(Fence.name == name)) or 0


def raise_fence(database: Database, name: str) -> int:
    """Its new value, which nobody else is given. Raises Unavailable."""
    with database.transaction(_PATIENCE_SECONDS) as session:
        if not database.is_sqlite:
            session.execute(_RAISING)
        return overtake(session, name)


def overtake(session: Session, name: str) -> int:
    """Raises the fence as part of the transaction: what is read from now on, nothing is written behind any more."""
    session.execute(insert_if_new(session.get_bind().dialect, Fence, ["name"]).values(name=name, value=0))
    raised = update(Fence).where(Fence.name == name).values(value=Fence.value + 1).returning(Fence.value)
    return session.scalars(raised).one()


def stale(connection: Connection, claims: Collection[Behind]) -> set[Behind]:
    """Those of `claims` that no longer stand; the others stand until the transaction ends.

    PostgreSQL: whoever raises a fence waits for those that have read it; one that is just being raised counts as
    raised, so that nobody waits for it. SQLite lets one writer in at a time anyway. A fence that was never raised has
    nothing to hold on to: nobody stands behind it.
    """
    if not claims:
        return set()
    names = tuple({claim.name for claim in claims})
    postgresql = connection.dialect.name == "postgresql"
    marks = ", ".join(["%s" if postgresql else "?"] * len(names))
    columns, lock = (f", {_HANGS}", " FOR SHARE SKIP LOCKED") if postgresql else ("", "")
    sql = f"SELECT name, value{columns} FROM fences WHERE name IN ({marks}){lock}"  # noqa: S608
    value_of = {row[0]: row[1] for row in connection.exec_driver_sql(sql, names)}
    return {claim for claim in claims if value_of.get(claim.name) != claim.value}
