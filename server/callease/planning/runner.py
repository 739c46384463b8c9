"""Work of minutes: one at a time, in a process of its own, so that it delays no delivery."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any, Protocol

from sqlalchemy.orm import Session

from callease.base.database import Database
from callease.base.errors import Unavailable

_log = logging.getLogger(__name__)

# Shorter than half a minute, so that what a dead worker held is soon taken up.
CLAIM = timedelta(seconds=25)
# Longer than a replay takes to put away the Redis that it has started.
_ENDS_SECONDS = 10.0
# What a child answers: its outcome, or nothing when it could not reach the database or was told to end.
_Answer = tuple[Any] | tuple[()]


@dataclass(frozen=True)
class Task:
    """`compute` is called in another process: what it is and what it returns can be pickled."""

    id: str
    compute: Callable[[], Any]


class Work(Protocol):
    """Rows with `due_at`; a claim runs out after `CLAIM` unless it is renewed."""

    def claim(self) -> Task | None: ...

    def renew(self, id_: str) -> None: ...

    def release(self, id_: str) -> None:
        """Another worker may take it at once."""

    def record(self, id_: str, outcome: Any) -> None: ...

    def fail(self, id_: str) -> None:
        """The process has died."""


class Runner:
    """A worker's own; `nice`: how far the child stands back behind everything else on the machine."""

    def __init__(self, work: Work, nice: int = 10) -> None:
        self._work = work
        self._nice = nice
        self._child: _Child | None = None

    @property
    def pid(self) -> int | None:
        """The child's, while there is one."""
        return self._child.process.pid if self._child else None

    def turn(self) -> None:
        """Looks after the one under way, or begins the next. Raises Unavailable: what is made is kept meanwhile."""
        if self._child is None:
            if task := self._work.claim():
                self._child = _Child(task, self._nice)
        elif self._child.is_over():
            self._tell(self._child)
            self._child = None
        else:
            self._work.renew(self._child.id)

    def stop(self) -> None:
        """What is under way is given back: it would keep a worker that is told to end for minutes."""
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(Unavailable):  # the claim runs out by itself
            if child.is_over():
                self._tell(child)
            else:
                child.end()
                self._work.release(child.id)

    def _tell(self, child: _Child) -> None:
        if child.answer:
            self._record(child.id, child.answer[0])
        elif child.answer is None and not child.was_told_to_end:
            self._work.fail(child.id)
        else:
            self._work.release(child.id)

    def _record(self, id_: str, outcome: Any) -> None:
        try:
            self._work.record(id_, outcome)
        except Unavailable:
            raise
        except Exception:
            _log.exception("what was worked out cannot be kept: %s", id_)
            self._work.fail(id_)


class _Child:
    """`answer` None: there is none, or not yet."""

    def __init__(self, task: Task, nice: int) -> None:
        self.id = task.id
        self.answer: _Answer | None = None
        # Spawned: a forked child would share this process's connections and locks.
        context = multiprocessing.get_context("spawn")
        self._answers, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_run, args=(theirs, task.compute, nice), daemon=True)
        self.process.start()
        theirs.close()

    def is_over(self) -> bool:
        alive = self.process.is_alive()  # asked first: what ends after it has answered has answered
        if self.answer is None and self._answers.poll():
            with suppress(EOFError, OSError):
                self.answer = self._answers.recv()
        return self.answer is not None or not alive

    @property
    def was_told_to_end(self) -> bool:
        """By somebody who ends the worker and all that it has started, before the child could answer to it."""
        return self.process.exitcode == -signal.SIGTERM

    def end(self) -> None:
        """At the latest after some seconds: the worker could not end before its child."""
        self.process.terminate()
        self.process.join(_ENDS_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _run(answers: Connection, compute: Callable[[], Any], nice: int) -> None:
    """In the child."""
    # By way of an exception, so that a Redis that a replay has started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # In a terminal Ctrl-C is everybody's; the worker ends its child.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(nice)
    answer: _Answer
    try:
        answer = (compute(),)
    except Unavailable as error:
        if error.code != "database":  # a replay's own Redis, say, which would be gone the next time too
            raise
        answer = ()
    except SystemExit:
        answer = ()
    answers.send(answer)


@contextmanager
def reading_apart(url: str) -> Iterator[Session]:
    """For a child: what it reads once, with a connection of its own. Raises Unavailable."""
    database = Database(url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.dispose()
