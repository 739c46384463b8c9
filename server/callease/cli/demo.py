"""`callease demo`: a portal with listings, a cabinet and a telephone, ready to try."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from callease.base.errors import SettingError
from callease.settings import Settings, load_settings

_HOST = "127.0.0.1"
_WORKERS = 2
_WORKER_STOPS_SECONDS = 20


def run(port: int, reset: bool) -> int:
    from callease.cli.serve import check_free, collect_metrics_in, serve

    address = f"http://{_HOST}:{port}"
    settings = load_settings()
    check_free("--port", _HOST, port)
    if reset:
        _reset(settings)
    collect_metrics_in(settings.data_dir / "run" / f"metrics-{os.getpid()}")
    os.environ["CALLEASE_DEMO_ADDRESS"] = address
    from callease.cli.demo_seed import DemoFacts, read_facts, seed
    from callease.cli.parts import prepared
    from callease.cli.snapshot_keeper import SnapshotKeeper

    with prepared() as parts:
        facts: DemoFacts | None = read_facts(settings.data_dir)
        if facts is None:
            _refuse_foreign(parts.database)
            print("Callease demo: making a portal with a month of calls ...", file=sys.stderr, flush=True)
            facts = seed(parts, address)
        worker = subprocess.Popen([sys.executable, "-m", "callease.cli", "worker"])
        try:
            threading.Thread(target=_announce, args=(address, facts.logins), daemon=True).start()
            with SnapshotKeeper(parts):
                return serve("callease.cli.demo_server:make", _HOST, port, _WORKERS)
        finally:
            worker.terminate()
            worker.wait(_WORKER_STOPS_SECONDS)


def _refuse_foreign(database: object) -> None:
    """A demo must not be mixed into somebody's real installation."""
    from sqlalchemy import select

    from callease.base.database import Database
    from callease.catalog.models import Site

    assert isinstance(database, Database)
    with database.reading() as session:
        if session.scalar(select(Site.id).limit(1)):
            raise SettingError(
                "CALLEASE_DATA_DIR", "this database is not a demo's: give the demo a data directory of its own"
            )


def _reset(settings: Settings) -> None:
    """Removes a demo's own data, and nothing that is not a demo's."""
    from callease.cli.demo_seed import facts_path

    facts, default = facts_path(settings.data_dir), settings.data_dir / "callease.sqlite"
    if settings.database_url != f"sqlite:///{default}" or settings.redis_url:
        raise SettingError("--reset", "works on the default database and the embedded Redis only")
    if default.exists() and not facts.exists():
        raise SettingError("--reset", f"{settings.data_dir} does not hold a finished demo: remove it by hand")
    _refuse_running(settings.data_dir)
    for path in (*settings.data_dir.glob("callease.sqlite*"), *settings.data_dir.glob("snapshot.sqlite*"), facts):
        path.unlink(missing_ok=True)
    for folder in ("redis", "spool"):
        shutil.rmtree(settings.data_dir / folder, ignore_errors=True)


def _refuse_running(data_dir: Path) -> None:
    import fcntl

    users = data_dir / "run" / "redis.users"
    if not users.exists():
        return
    with users.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingError("--reset", f"a Callease is running on {data_dir}: stop it first") from None


def _announce(address: str, logins: list[dict[str, str]]) -> None:
    """Once everything answers, and not before."""
    pause = threading.Event()
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=2).close()  # noqa: S310
            break
        except (urllib.error.URLError, OSError):
            pause.wait(0.1)
    lines = [
        "",
        "  Callease demo",
        "",
        f"  Portal      {address}/",
        f"  Cabinet     {address}/cabinet",
        f"  Telephone   {address}/telephone",
        f"  API         {address}/api/v1/docs",
        "",
        "  Log-ins for the cabinet",
        *(f"  {login['email']:<28} {login['password']:<14} {login['who']}" for login in logins),
        "",
        "  Ctrl-C stops it; `callease demo --reset` starts over.",
        "",
    ]
    print("\n".join(lines), flush=True)
