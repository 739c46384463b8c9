"""One thread of the process rebuilds something while the others wait for its result, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from callease.base.errors import Unavailable

# The script on the page gives up after 2 seconds.
_PATIENCE_SECONDS = 1.0


class RebuildLocks:
    """A lock for each office or number, kept for good: there are some thousands of them."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def alone(self, id_: str) -> Iterator[None]:
        """Raises Unavailable: one that hangs must not get hold of all threads of the server."""
        lock = self._locks.setdefault(id_, threading.Lock())
        if not lock.acquire(timeout=_PATIENCE_SECONDS):
            raise Unavailable("redis")
        try:
            yield
        finally:
            lock.release()
