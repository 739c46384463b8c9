"""`callease worker`."""

from __future__ import annotations

import signal

from callease.cli.parts import prepared
from callease.worker import Worker


def run() -> int:
    """Until SIGTERM or Ctrl-C; what has been begun is finished first."""
    with prepared() as parts:
        worker = Worker(parts)
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_, lambda *_: worker.stop())
        worker.run()
    return 0
