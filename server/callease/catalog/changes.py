"""A mark that changes with the catalogue, shared by all processes of a machine and read in no time."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

_LENGTH = 8


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
