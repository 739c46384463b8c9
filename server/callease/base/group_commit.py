"""Leases and visits in groups: what costs is the round trip to Redis and the commit, not the row.

Requests of one process hand their work to a single thread and wait; whatever gathers while one group is at work goes
into the next. A group's scripts go to Redis together, its rows into one commit, and each request goes on only when its
own rows are durable.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.engine import Connection

from callease.base.database import Base, Database
from callease.base.errors import Unavailable
from callease.base.fences import Behind, Overtaken, stale
from callease.base.redis import ScriptCall, Store

_log = logging.getLogger(__name__)
_GROUP_AT_MOST = 200
# The script on the page gives up after 2 seconds.
_WAIT_SECONDS = 1.5

Row = tuple[type[Base], dict[str, Any]]
RowsOf = Callable[[Any], Sequence[Row]]


@dataclass(frozen=True)
class Guard:
    """What is asked before a call is made; `check` is given the answer and raises what it forbids."""

    call: ScriptCall
    check: Callable[[Any], None]


class GroupCommit:
    """One thread a process, started with the first row; a row whose id is known counts as written."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._inserts: dict[type[Base], _BulkInsert] = {}
        self._guarded = True

    def write(self, rows: Sequence[Row]) -> None:
        """Returns when `rows` (a model and its columns each, in the order of insertion) are durable, all or none.

        Raises Unavailable("database") when they cannot be written in time.
        """
        self._do(_Work(None, lambda _: rows, None, None))

    def write_after(
        self, call: ScriptCall, rows_of: RowsOf, behind: Behind | None = None, guard: Guard | None = None
    ) -> Any:
        """The answer of `call`, when the rows that `rows_of` makes of it are durable.

        `guard` is asked first, with those of the whole group; what its `check` raises is raised here, without `call`
        being made. A guard that fails alone, in a cluster its node may be down, lets everybody in.

        `rows_of` is called by the group's thread. Raises Unavailable("redis") before it, Unavailable("database") after;
        Overtaken when the fence no longer stands where `behind` says.
        """
        return self._do(_Work(call, rows_of, behind, guard))

    def close(self) -> None:
        """Ends the thread when what was asked before is done; nothing may be asked after."""
        with self._starting:
            if self._thread:
                self._queue.put(None)
                self._thread.join(_WAIT_SECONDS)

    def _do(self, work: _Work) -> Any:
        if self._thread is None:
            self._start()
        self._queue.put(work)
        return work.wait()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work_until_closed, name="group-commit", daemon=True)
                self._thread.start()

    def _work_until_closed(self) -> None:
        closed = False
        while not closed:
            taken = [self._queue.get()]
            while len(taken) < _GROUP_AT_MOST and not self._queue.empty():
                taken.append(self._queue.get())
            closed = None in taken
            group = [work for work in taken if work and not work.given_up]
            self._guard([work for work in group if work.guard])
            self._ask([work for work in group if work.call and work.error is None])
            for work in group:
                if work.error is None:
                    work.make_rows()
            self._write([work for work in group if work.error is None])
            for work in group:
                work.finish()

    def _guard(self, group: list[_Work]) -> None:
        guards = [work.guard for work in group if work.guard]
        try:
            answers = self._store.run_all([guard.call for guard in guards]) if guards else []
        except Unavailable as error:  # the call would wait for the same Redis, as long once more
            for work in group:
                work.error = error
            return
        except Exception as error:  # a question that cannot be sent must fail alone, and not end the thread
            if len(group) > 1:
                for work in group:
                    self._guard([work])
            else:
                group[0].error = error
            return
        for work, guard, answer in zip(group, guards, answers, strict=True):
            self._say_whether_guarded(answer)
            try:
                if not isinstance(answer, RedisError):
                    guard.check(answer)
            except Exception as error:
                work.error = error

    def _say_whether_guarded(self, answer: Any) -> None:
        """Once when it changes: under load there would be a line a lease."""
        failed = isinstance(answer, RedisError)
        if failed and self._guarded:
            _log.warning("leases are given without asking their budgets: %s", answer)
        elif not failed and not self._guarded:
            _log.info("budgets of leases can be asked again")
        self._guarded = not failed

    def _ask(self, group: list[_Work]) -> None:
        calls = [work.call for work in group if work.call]
        try:
            answers = self._store.run_all(calls) if calls else []
        except Unavailable as error:
            answers = [error] * len(calls)
        except Exception as error:  # a call that cannot be sent must fail alone, and not end the thread
            if len(group) > 1:
                for work in group:
                    self._ask([work])
                return
            answers = [error]
        for work, answer in zip(group, answers, strict=True):
            work.answer = answer

    def _write(self, group: list[_Work]) -> None:
        try:
            self._insert([work for work in group if work.rows])
        except Unavailable as error:
            for work in group:
                work.error = error
        except Exception as error:  # a bad row must fail alone, not with its whole group
            if len(group) == 1:
                group[0].error = error
            else:
                for work in group:
                    if work.error is None:  # who was overtaken is leased anew, so these rows must never get in
                        self._write([work])

    def _insert(self, group: list[_Work]) -> None:
        if not group:
            return
        with self._database.writing_connection() as connection:
            overtaken = stale(connection, {work.behind for work in group if work.behind})
            by_model: dict[type[Base], list[dict[str, Any]]] = {}
            for work in group:
                if work.behind in overtaken:
                    work.error = Overtaken()
                    continue
                for model, row in work.rows:
                    by_model.setdefault(model, []).append(row)
            # In one order everywhere: two processes that write the same lease would wait for each other's others.
            for model in sorted(by_model, key=lambda each: each.__tablename__):
                if model not in self._inserts:
                    self._inserts[model] = _BulkInsert(self._database, model)
                of_model = by_model[model]
                of_model.sort(key=lambda row: str(row["id"]))
                self._inserts[model].run(connection, of_model)


class _Work:
    """What one request waits for; a lock that the group's thread opens is the cheapest way to wait."""

    def __init__(self, call: ScriptCall | None, rows_of: RowsOf, behind: Behind | None, guard: Guard | None) -> None:
        self.call = call
        self.guard = guard
        self.behind = behind
        self.answer: Any = None
        self.rows: Sequence[Row] = ()
        self.error: Exception | None = None
        self.given_up = False
        self._rows_of = rows_of
        self._done = threading.Lock()
        self._done.acquire()

    def wait(self) -> Any:
        if not self._done.acquire(timeout=_WAIT_SECONDS):
            self.given_up = True
            raise Unavailable("database")
        if self.error:
            raise self.error
        return self.answer

    def make_rows(self) -> None:
        """What goes wrong here goes wrong for this request alone."""
        if isinstance(self.answer, RedisError):
            self.answer = Unavailable("redis")
        if isinstance(self.answer, Exception):
            self.error = self.answer
            return
        try:
            self.rows = self._rows_of(self.answer)
        except Exception as error:
            self.error = error

    def finish(self) -> None:
        self._done.release()


class _BulkInsert:
    """`INSERT ... ON CONFLICT (id) DO NOTHING` of one model: one statement for any number of rows.

    A statement a row would let go of the interpreter's lock, and queue for it again, with every row.
    """

    def __init__(self, database: Database, model: type[Base]) -> None:
        dialect, columns = database.engine.dialect, model.__table__.columns
        quoted = dialect.identifier_preparer
        names = ", ".join(quoted.format_column(column) for column in columns)
        self._head = f"INSERT INTO {quoted.format_table(model.__table__)} ({names}) VALUES "  # noqa: S608
        self._row = f"({', '.join(['?' if dialect.positional else '%s'] * len(columns))})"
        self._bind = [(column.key, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in columns]

    def run(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """`rows` name every column of the model."""
        sql = f"{self._head}{', '.join([self._row] * len(rows))} ON CONFLICT (id) DO NOTHING"
        values = [bind(row[name]) if bind else row[name] for row in rows for name, bind in self._bind]
        connection.exec_driver_sql(sql, tuple(values))
