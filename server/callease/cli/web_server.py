"""The web server's own process: it holds no thread and no connection when it forks its workers.

A fork copies locks as they are at that moment: a thread that was just inside SQLite would leave its lock taken for ever
in the copy. So whatever runs in threads, the snapshot and the watch over Redis, stays in the parent of this process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

# Requests wait for the database and Redis most of their time, so threads overlap; more of them only queue for the
# interpreter's lock.
_THREADS_A_PROCESS = 16
_STOP_SECONDS = 10
_PR_SET_PDEATHSIG = 1


def main(target: str, host: str, port: str, workers: str) -> None:
    _end_with_parent()
    # A worker that is told to stop while it still starts would hear it with this process's ears, and not stop.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    Granian(
        target,
        factory=True,
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        workers=int(workers),
        blocking_threads=_THREADS_A_PROCESS,
        websockets=False,
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    ).serve()


def _end_with_parent() -> None:
    """A killed `callease serve` must not leave a server behind that nobody looks after (Linux, prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
