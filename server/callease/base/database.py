"""The database: SQLite by default, PostgreSQL where one machine is too small.

Every entry point opens one `transaction()` (or `reading()`), passes its session down, and the functions below flush.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import JSON, URL, DateTime, Dialect, Engine, Insert, MetaData, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from callease.base.errors import Conflict, InvalidRequest, Unavailable
from callease.base.lookups import Lookups

_BUSY_SECONDS = 5
_BUSY_AT_LEAST_MS = 100
_TURN_SECONDS = 0.0005


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
    """An engine and its sessions.

    A missing server is `Unavailable("database")`, a broken constraint `Conflict("changed_meanwhile")`.
    """

    def __init__(self, url: str, pool_size: int = 20) -> None:
        self.url = url
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._file = Path(parsed.database or "")
        # Parameters are phones and hashes: an error's text goes into the log without them.
        arguments: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 20,
            "pool_timeout": 2,
            "hide_parameters": True,
        }
        if self.is_sqlite:
            arguments["connect_args"] = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
            # A file that has gone away must be an error: SQLite would otherwise make an empty one in its place.
            only_if_there = {**parsed.query, "mode": "rw", "uri": "true"}
            parsed = parsed.set(database=f"file:{quote(parsed.database or '')}", query=only_if_there)
        else:
            arguments.update(pool_pre_ping=True, connect_args={"connect_timeout": 2})
        self.engine: Engine = create_engine(parsed, **arguments)
        if self.is_sqlite:
            _prepare_sqlite(self.engine, self._file)
        self._writers = self.engine.execution_options(writes=True)
        self.lookups = Lookups(self.engine.dialect, lambda: self._connect(parsed, arguments["connect_args"]))
        # What layers above want to know of every writing session, see Session.info.
        self.session_info: dict[Any, Any] = {}
        self._writing = sessionmaker(self._writers, expire_on_commit=False, info=self.session_info)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self, patience_seconds: float = _BUSY_SECONDS) -> Iterator[Session]:
        """One commit at the end, or nothing: any exception rolls back.

        `patience_seconds` is how long SQLite's other writers are waited for, before it is Unavailable.
        """
        writers = self._writers
        if patience_seconds != _BUSY_SECONDS:
            writers = writers.execution_options(patience=patience_seconds)
        with _server_missing_is_unavailable(), self._writing(bind=writers) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with _server_missing_is_unavailable(), self._reading() as session:
            yield session

    @contextmanager
    def writing_connection(self) -> Iterator[Connection]:
        """A bare connection in a transaction, for bulk inserts."""
        with _server_missing_is_unavailable(), self._writers.begin() as connection:
            yield connection

    def _connect(self, url: URL, connect_args: dict[str, Any]) -> Any:
        """A connection of the driver's own, for `lookups`, on which nothing begins by itself."""
        alone = {"isolation_level": None} if self.is_sqlite else {"autocommit": True}
        positional, named = self.engine.dialect.create_connect_args(url)
        driver: Any = self.engine.dialect.loaded_dbapi
        return driver.connect(*positional, **{**named, **connect_args, **alone})

    def create(self) -> None:
        """Makes the file of an SQLite database that is not there yet; a server's is made by its operator."""
        if not self.is_sqlite:
            return
        try:
            self._file.touch()
        except OSError as error:
            raise Unavailable("database") from error

    def check(self) -> None:
        """Raises Unavailable when no statement gets through."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def insert_if_new(self, table: Any, unique: Sequence[str]) -> Insert:
        return insert_if_new(self.engine.dialect, table, unique)

    def insert_or_add(self, table: Any, unique: Sequence[str], column: str) -> Insert:
        """The same, but what is there already grows by the new row's `column`."""
        insert = (sqlite.insert if self.is_sqlite else postgresql.insert)(table)
        there = table.__table__.c[column]
        return insert.on_conflict_do_update(index_elements=list(unique), set_={column: there + insert.excluded[column]})

    def dispose(self) -> None:
        self.lookups.close()
        self.engine.dispose()


def insert_if_new(dialect: Dialect, table: Any, unique: Sequence[str]) -> Insert:
    """`INSERT ... ON CONFLICT (unique) DO NOTHING` in the dialect at hand."""
    insert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing(index_elements=list(unique))


@contextmanager
def _server_missing_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("database") from error
    except DataError as error:
        # PostgreSQL alone: a text with NUL or longer than its column, a number out of range.
        raise InvalidRequest({"body": ["holds a value that cannot be kept"]}) from error
    except IntegrityError:
        # Without its cause: the server's own message quotes the values, and a value may be a phone.
        raise Conflict("changed_meanwhile") from None
    except DBAPIError as error:
        # SQLite says no more than "database error" of a file that is damaged or none of its own.
        if error.connection_invalidated or type(error) is DatabaseError:
            raise Unavailable("database") from error
        raise


def _prepare_sqlite(engine: Engine, file: Path) -> None:
    """WAL, durable commits, and one writer at a time, who knows from the start that he will write.

    A transaction that reads first and writes later would fail at once, whatever the busy time-out, when somebody else
    has written in between (sqlite.org/lang_transaction.html). SQLite lets waiting writers sleep up to a tenth of a
    second between tries, and when several processes write all the time some never get in. Two lock files in front of
    it make a queue: whoever waits for the database holds the turn, so the one that has just written cannot overtake.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        record.info["locks"] = [
            os.open(f"{file}.{name}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600) for name in ("turn", "lock")
        ]

    @event.listens_for(engine, "close")
    def on_close(_connection: Any, record: Any) -> None:
        for lock in record.info.pop("locks"):
            os.close(lock)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("writes"):
            ends = time.monotonic() + options.get("patience", _BUSY_SECONDS)
            turn, lock = connection.info["locks"]
            _queue_up(turn, lock, ends)
            # Whoever is still in the way is no Callease.
            left_ms = max(_BUSY_AT_LEAST_MS, int(1000 * (ends - time.monotonic())))
            connection.exec_driver_sql(f"PRAGMA busy_timeout={left_ms}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")

    # After the statement, so that the lock is held to the very end.
    @event.listens_for(engine.pool, "reset")
    def on_reset(_connection: Any, record: Any, _state: Any) -> None:
        fcntl.flock(record.info["locks"][1], fcntl.LOCK_UN)


def _queue_up(turn: int, lock: int, ends: float) -> None:
    _take(turn, ends)
    try:
        _take(lock, ends)
    finally:
        fcntl.flock(turn, fcntl.LOCK_UN)


def _take(lock: int, ends: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > ends:
                raise Unavailable("database") from None
            time.sleep(_TURN_SECONDS)
