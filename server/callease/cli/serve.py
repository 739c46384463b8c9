"""`callease serve`: the web server, its worker processes, and what one process of a machine does for all of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from callease.base.errors import SettingError
from callease.settings import load_settings


def run(bind: str, workers: int) -> int:
    host, port = _address(bind)
    check_free("--bind", host, port)
    collect_metrics_in(load_settings().data_dir / "run" / f"metrics-{os.getpid()}")
    # Only now: metrics choose where to count when they are imported.
    from callease.cli.parts import prepared
    from callease.cli.snapshot_keeper import SnapshotKeeper

    with prepared() as parts, SnapshotKeeper(parts):
        print(f"Callease listens on http://{bind}", file=sys.stderr, flush=True)
        return serve("callease.cli.server:make", host, port, workers)


def serve(target: str, host: str, port: int, workers: int) -> int:
    """Runs the server until SIGTERM or Ctrl-C; its exit code. A worker process that dies is started anew."""
    command = [sys.executable, "-m", "callease.cli.web_server", target, host, str(port), str(workers)]
    # A session of its own: Ctrl-C is for this process, which then stops the server in good order.
    server = subprocess.Popen(command, start_new_session=True)  # noqa: S603
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        server.terminate()

    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, stop)
    code = server.wait()
    return 0 if stopping else code


def _address(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingError("--bind", f"{bind!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def check_free(setting: str, host: str, port: int) -> None:
    """One clear line, before worker processes fail one by one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingError(setting, f"{host}:{port}: {error.strerror or error}") from None


def collect_metrics_in(folder: Path) -> None:
    for old in folder.parent.glob("metrics-*"):
        if not Path(f"/proc/{old.name.removeprefix('metrics-')}").exists():
            shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
