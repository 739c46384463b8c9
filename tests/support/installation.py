"""A whole Callease in processes of its own: `callease serve` and `callease worker` on a data directory."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from urllib3.exceptions import HTTPError

from callease.base.database import Database
from callease.settings import load_settings
from tests.factories import Cast, build_cast
from tests.support.http import OverHttp
from tests.support.waiting import eventually

_COMMAND = Path(sys.executable).with_name("callease")
_START_SECONDS = 30
_STOP_SECONDS = 30


class Installation:
    """One data directory; `settings` are added to the environment, `CALLEASE_` in front of each name."""

    def __init__(self, **settings: str) -> None:
        # Short: the path of a Unix socket below it has to fit into 100 bytes.
        self.data_dir = Path(tempfile.mkdtemp(prefix="callease-", dir="/tmp"))
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLEASE_")}
        self.environment["CALLEASE_DATA_DIR"] = str(self.data_dir)
        self.environment |= {f"CALLEASE_{name}": value for name, value in settings.items()}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.address = ""
        self._http: OverHttp | None = None

    @property
    def http(self) -> OverHttp:
        assert self._http, "not serving"
        return self._http

    @property
    def redis_pid(self) -> int:
        return int((self.data_dir / "run" / "redis.pid").read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A look into its database."""
        database = Database(load_settings(self.environment).database_url)
        try:
            with database.reading() as session:
                yield session
        finally:
            database.dispose()

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        environment = self.environment | {f"CALLEASE_{name}": value for name, value in settings.items()}
        return subprocess.run(
            [_COMMAND, *arguments],
            env=environment,
            cwd=self.data_dir,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def init(self) -> dict[str, Any]:
        done = self.run("init")
        assert done.returncode == 0, done.stderr
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command that goes on; it writes to a log in the data directory."""
        with (self.data_dir / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                [_COMMAND, *arguments],
                env=self.environment,
                cwd=self.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def serve(self, workers: int = 1) -> subprocess.Popen[bytes]:
        """Returns when the server answers; on a port that was free a moment ago."""
        for _ in range(5):
            port = free_port()
            self.address = f"http://127.0.0.1:{port}"
            self._http = OverHttp(self.address)
            process = self.start("serve", "--bind", f"127.0.0.1:{port}", "--workers", str(workers))

            def begun(process: subprocess.Popen[bytes] = process) -> bool:
                return process.poll() is not None or self._answers("/healthz")

            eventually(begun, _START_SECONDS, self.log)
            if process.poll() is None:
                return process
            assert "--bind" in self.log(), self.log()
        raise AssertionError(f"no free port: {self.log()}")

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker")

    def wait_until_ready(self) -> None:
        """The server, its database, Redis and a worker."""
        eventually(lambda: self._answers("/readyz"), _START_SECONDS, self.log)

    def up(self, workers: int = 1) -> "Installation":
        """Initialised, serving and working."""
        self.token = self.init()["token"]
        self.serve(workers)
        self.worker()
        self.wait_until_ready()
        return self

    def cast(self) -> Cast:
        return build_cast(self.http, self.token)

    def log(self) -> str:
        path = self.data_dir / "processes.log"
        return path.read_text(encoding="utf-8", errors="replace")[-4000:] if path.exists() else ""

    def end(self, process: subprocess.Popen[bytes]) -> int:
        """Asks one process to stop; its exit code."""
        process.terminate()
        code = process.wait(_STOP_SECONDS)
        self.processes.remove(process)
        return code

    def stop(self) -> None:
        """Stops everything that is left, the newest first, and removes the data directory."""
        stubborn = []
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    stubborn.append(process.args)
            # What a killed server left: its group holds nothing but its own children.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._kill_redis()
        if self._http:
            self._http.close()
        log = self.log()
        shutil.rmtree(self.data_dir)
        assert not stubborn, f"would not stop: {stubborn}: {log}"

    def _kill_redis(self) -> None:
        """Of a test that killed its owners; after an orderly end there is none."""
        with contextlib.suppress(OSError, ValueError):
            pid = self.redis_pid
            if os.fsencode(self.data_dir) in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)

    def _answers(self, path: str) -> bool:
        try:
            return self.http("GET", path).status == 200
        except HTTPError:
            return False


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
