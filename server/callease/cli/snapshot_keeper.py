"""Keeps a machine's routing snapshot fresh: the one writer among all Callease processes on a data directory."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from types import TracebackType

from callease.base.errors import Unavailable
from callease.telephony.snapshot import SnapshotWriter
from callease.web.services import Services

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0


class SnapshotKeeper:
    """Runs in a thread while its block lasts; a second keeper waits for the first one to end."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)

    def __enter__(self) -> SnapshotKeeper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        run_dir = self._parts.settings.redis_socket.parent
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(run_dir / "snapshot.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while not self._stopping.is_set():
                if self._is_ours(lock):
                    self._keep_fresh()
                self._stopping.wait(_EVERY_SECONDS)
        finally:
            os.close(lock)

    @staticmethod
    def _is_ours(lock: int) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _keep_fresh(self) -> None:
        writer = SnapshotWriter(self._parts.settings.snapshot_path)
        try:
            while not self._stopping.is_set():
                try:
                    with self._parts.database.reading() as session:
                        writer.refresh(session)
                except Unavailable:
                    pass  # that is what the snapshot is for
                except Exception:
                    _log.exception("the routing snapshot could not be refreshed")
                self._stopping.wait(_EVERY_SECONDS)
        finally:
            writer.close()
