"""The database: SQLite by default, PostgreSQL where one machine is too small.

Every entry point opens one `transaction()` (or `reading()`), passes its session down, and the functions below flush.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Engine, Insert, MetaData, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from callease.base.errors import Unavailable

_BUSY_SECONDS = 5


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC on both sides, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        aware = value.astimezone(UTC)
        return aware.replace(tzinfo=None) if dialect.name == "sqlite" else aware

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of all tables; names of constraints are spelt out so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declaration
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        list[str]: JSON(),
    }


class Database:
    """An engine and its sessions; errors of a missing server become `Unavailable("database")`."""

    def __init__(self, url: str, pool_size: int = 20) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        arguments: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 20, "pool_timeout": 2}
        if self.is_sqlite:
            arguments["connect_args"] = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
        else:
            arguments.update(pool_pre_ping=True, connect_args={"connect_timeout": 2})
        self.engine: Engine = create_engine(parsed, **arguments)
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._writing = sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One commit at the end, or nothing: any exception rolls back."""
        with _server_missing_is_unavailable(), self._writing() as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with _server_missing_is_unavailable(), self._reading() as session:
            yield session

    @contextmanager
    def connection(self, writes: bool = False) -> Iterator[Connection]:
        """A bare connection in a transaction, for the few statements that are run thousands of times a second."""
        engine = self.engine.execution_options(writes=True) if writes else self.engine
        with _server_missing_is_unavailable(), engine.begin() as connection:
            yield connection

    def check(self) -> None:
        """Raises Unavailable when no statement gets through."""
        with self.connection() as connection:
            connection.execute(text("SELECT 1"))

    def insert_if_new(self, table: Any, unique: Sequence[str]) -> Insert:
        """`INSERT ... ON CONFLICT (unique) DO NOTHING` in the dialect at hand."""
        insert = sqlite.insert if self.is_sqlite else postgresql.insert
        return insert(table).on_conflict_do_nothing(index_elements=list(unique))

    def dispose(self) -> None:
        self.engine.dispose()


@contextmanager
def _server_missing_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("database") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("database") from error
        raise


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, foreign keys, and `BEGIN IMMEDIATE` for writers.

    A transaction that reads first and writes later would otherwise fail at once, whatever the busy time-out, when
    another process has written in between. See sqlite.org/lang_transaction.html.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
