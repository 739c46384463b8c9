"""Single reads that are made thousands of times a second: put together once, run on the driver's own connections.

SQLAlchemy's road from a statement to the driver costs several times what the database needs for the row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Select
from sqlalchemy.engine import Dialect

from callease.base.errors import InvalidRequest, Unavailable


class Lookups:
    """Connections of the driver; each read sees its own moment.

    One on which a read fails is thrown away, and the read is made once more on a new one: the server may have been
    started anew since.
    """

    def __init__(self, dialect: Dialect, connect: Callable[[], Any]) -> None:
        self._dialect = dialect
        self._connect = connect
        self._idle: deque[Any] = deque()

    def prepare(self, statement: Select[*tuple[Any, ...]]) -> Lookup:
        return Lookup(self, self._dialect, statement)

    def first(self, sql: str, parameters: Any) -> tuple[Any, Any]:
        """The first row as the driver gives it, or None, and its columns' description.

        Raises Unavailable("database"), InvalidRequest.
        """
        driver: Any = self._dialect.loaded_dbapi
        try:
            if idle := self._idle_connection():
                with suppress(driver.OperationalError, driver.InterfaceError):
                    return self._run(idle, sql, parameters)
            return self._run(self._connect(), sql, parameters)
        except driver.DataError as error:  # PostgreSQL alone: a text with NUL, say
            raise InvalidRequest({"body": ["holds a value that cannot be kept"]}) from error
        except (driver.OperationalError, driver.InterfaceError) as error:
            raise Unavailable("database") from error
        except driver.DatabaseError as error:
            # SQLite says no more than "database error" of a file that is damaged or none of its own.
            if type(error) is driver.DatabaseError:
                raise Unavailable("database") from error
            raise

    def _idle_connection(self) -> Any:
        with suppress(IndexError):
            return self._idle.pop()

    def _run(self, connection: Any, sql: str, parameters: Any) -> tuple[Any, Any]:
        try:
            cursor = connection.cursor()
            cursor.execute(sql, parameters)
            found = cursor.fetchone(), cursor.description
            cursor.close()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return found

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class Lookup:
    """One `SELECT` of which the first row is wanted; what it names by `bindparam` is given at each call."""

    def __init__(self, lookups: Lookups, dialect: Dialect, statement: Select[*tuple[Any, ...]]) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._lookups = lookups
        self._sql = str(compiled)
        self._positions: Sequence[str] | None = compiled.positiontup if dialect.positional else None
        self._constants = dict(compiled.params)
        types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in self._constants}
        self._bind = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        self._dialect = dialect
        self._types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        self._read: Sequence[Callable[[Any], Any] | None] | None = None

    def first(self, **values: Any) -> tuple[Any, ...] | None:
        """Raises Unavailable("database"), and InvalidRequest for a value that the database cannot compare with."""
        given = self._constants | values
        bound = {name: bind(given[name]) if bind else given[name] for name, bind in self._bind.items()}
        parameters = [bound[name] for name in self._positions] if self._positions else bound
        row, description = self._lookups.first(self._sql, parameters)
        if row is None:
            return None
        if self._read is None:
            # PostgreSQL's numbers are read by the type that the server names.
            each = zip(self._types, description, strict=True)
            self._read = [type_.result_processor(self._dialect, column[1]) for type_, column in each]
        return tuple(read(value) if read else value for read, value in zip(self._read, row, strict=True))

    def scalar(self, **values: Any) -> Any:
        """The first column of the first row, None without one; raises as `first` does."""
        row = self.first(**values)
        return row[0] if row else None
