"""Commits in groups: what costs is the commit, not the row.

Requests of one process hand their rows to a single writer thread and wait; whatever gathers while one commit runs goes
into the next. Each request goes on only when its own rows are durable, and the throughput stays that of bulk inserts.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy.engine import Connection

from callease.base.database import Base, Database
from callease.base.errors import Unavailable

_GROUP_AT_MOST = 200
# The script on the page gives up after 2 seconds.
_WAIT_SECONDS = 1.5

Row = tuple[type[Base], dict[str, Any]]
_Item = tuple[Sequence[Row], "Future[None]"]


class GroupCommit:
    """One writer thread a process, started with the first row; a row whose id is known counts as written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._writer: threading.Thread | None = None
        self._inserts: dict[type[Base], _BulkInsert] = {}

    def write(self, rows: Sequence[Row]) -> None:
        """Returns when `rows` (a model and its columns each, in the order of insertion) are durable, all or none.

        Raises Unavailable("database") when they cannot be written in time.
        """
        if self._writer is None:
            self._start()
        done: Future[None] = Future()
        self._queue.put((rows, done))
        try:
            done.result(timeout=_WAIT_SECONDS)
        except TimeoutError as error:
            raise Unavailable("database") from error

    def _start(self) -> None:
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_forever, name="group-commit", daemon=True)
                self._writer.start()

    def _write_forever(self) -> None:
        while True:
            group = [self._queue.get()]
            while len(group) < _GROUP_AT_MOST and not self._queue.empty():
                group.append(self._queue.get())
            self._write_group(group)

    def _write_group(self, group: list[_Item]) -> None:
        try:
            self._insert([row for rows, _ in group for row in rows])
        except Unavailable as error:
            for _, done in group:
                done.set_exception(error)
        except Exception as error:  # a bad row must fail alone, not with its whole group
            if len(group) == 1:
                group[0][1].set_exception(error)
            else:
                for item in group:
                    self._write_group([item])
        else:
            for _, done in group:
                done.set_result(None)

    def _insert(self, rows: Sequence[Row]) -> None:
        by_model: dict[type[Base], list[dict[str, Any]]] = {}
        for model, row in rows:
            by_model.setdefault(model, []).append(row)
        with self._database.writing_connection() as connection:
            # In one order everywhere: two processes that write the same lease would wait for each other's others.
            for model in sorted(by_model, key=lambda each: each.__tablename__):
                if model not in self._inserts:
                    self._inserts[model] = _BulkInsert(self._database, model)
                of_model = by_model[model]
                of_model.sort(key=lambda row: str(row["id"]))
                self._inserts[model].run(connection, of_model)


class _BulkInsert:
    """`INSERT ... ON CONFLICT (id) DO NOTHING` of one model, put together once.

    A group is often a handful of rows; asking SQLAlchemy to prepare the statement for each costs more than the insert.
    """

    def __init__(self, database: Database, model: type[Base]) -> None:
        dialect, columns = database.engine.dialect, model.__table__.columns
        insert = database.insert_if_new(model, ["id"])
        compiled = insert.compile(dialect=dialect, column_keys=columns.keys())
        self._sql = str(compiled)
        self._positions: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._bind = {column.key: column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns}

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """`rows` name every column of the model."""
        bound = [{name: bind(row[name]) if bind else row[name] for name, bind in self._bind.items()} for row in rows]
        if self._positions:
            connection.exec_driver_sql(self._sql, [tuple(row[name] for name in self._positions) for row in bound])
        else:
            connection.exec_driver_sql(self._sql, bound)
