"""A mark that changes with the catalogue, shared by all processes of a machine and read in no time."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

_LENGTH = 8
_REMEMBERED_SECONDS = 1.0
_REMEMBERED_AT_MOST = 20_000

K = TypeVar("K", bound=Hashable)
F = TypeVar("F")


class ChangeMark:
    """Eight random bytes in a shared file: whoever sees other bytes than before knows that something was committed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size < _LENGTH:
                os.truncate(file, _LENGTH)
            self._memory = mmap.mmap(file, _LENGTH)
        finally:
            os.close(file)

    def read(self) -> bytes:
        return self._memory[:_LENGTH]

    def change(self) -> None:
        self._memory[:_LENGTH] = os.urandom(_LENGTH)


class Memory(Generic[K, F]):
    """What was read of the catalogue: for as long as nobody on this machine has changed it, and a second at most.

    Changes made on another machine are seen within that second.
    """

    def __init__(self, changes: ChangeMark) -> None:
        self._changes = changes
        self._known: dict[K, _Remembered[F]] = {}

    def find(self, key: K, read: Callable[[], F | None]) -> F | None:
        """What `read` says; that there is nothing is not remembered."""
        found = self._known.get(key)
        mark, now = self._changes.read(), time.monotonic()
        if found and found.mark == mark and now < found.until:
            return found.facts
        facts = read()
        if facts is None:
            self._known.pop(key, None)
            return None
        if len(self._known) >= _REMEMBERED_AT_MOST:
            self._known.clear()
        self._known[key] = _Remembered(facts, mark, now + _REMEMBERED_SECONDS)
        return facts


@dataclass(frozen=True)
class _Remembered(Generic[F]):
    facts: F
    mark: bytes
    until: float
