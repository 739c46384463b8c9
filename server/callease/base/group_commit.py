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

from sqlalchemy import Insert

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
        self._inserts: dict[type[Base], Insert] = {}

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
            for model, of_model in by_model.items():
                if model not in self._inserts:
                    self._inserts[model] = self._database.insert_if_new(model, ["id"])
                # In one order everywhere: two processes that write the same lease would wait for each other's others.
                connection.execute(self._inserts[model], sorted(of_model, key=lambda row: str(row["id"])))
