"""Databases for tests: migrated once, copied for each test."""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg
import pytest

from callease.base.database import Database
from callease.migrations.schema import upgrade
from tests.support.waiting import eventually

BACKENDS = ("sqlite", "postgresql")
EMPTY = "template_of_tests"
on_both_databases = pytest.mark.parametrize("backend", BACKENDS)
"""Runs a test that uses `parts`, or anything above it, on both databases."""


class SqliteTemplates:
    """Files with the newest schema; a test's database is a copy of one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        _migrate(f"sqlite:///{folder / EMPTY}")

    def fresh(self, path: Path, template: str = EMPTY) -> str:
        """The URL of a new database at `path`, with the content of `template`."""
        shutil.copyfile(self._folder / template, path)
        return f"sqlite:///{path}"

    def add(self, template: str) -> str:
        """The URL of a new template, to be filled and left before it is used."""
        return self.fresh(self._folder / template)


class PostgresServer:
    """A PostgreSQL of the test session's own, on a Unix socket; `stop()` and `start()` as often as a test wants."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="callease-pg-", dir="/tmp"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        shutil.chown(self._folder, self._user)
        self._run(
            "initdb", "-D", str(self._data), "-U", "callease", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        self.start()
        self._execute(f"CREATE DATABASE {EMPTY}")
        _migrate(self.url(EMPTY))

    def url(self, database: str) -> str:
        return f"postgresql://callease@/{database}?host={self._folder}"

    def fresh(self, template: str = EMPTY) -> tuple[str, str]:
        """Name and URL of a new database, with the content of `template`."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name, self.url(name)

    def add(self, template: str) -> str:
        """The URL of a new template, to be filled and left before it is used."""
        self._execute(f"CREATE DATABASE {template} TEMPLATE {EMPTY}")
        return self.url(template)

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> None:
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    postgres_binary("postgres"),
                    *("-D", str(self._data), "-k", str(self._folder)),
                    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as_user(),
            )
        eventually(self._answers, 30, f"PostgreSQL, see {self._folder / 'log'}")

    @property
    def pid(self) -> int:
        assert self._process, "it does not run"
        return self._process.pid

    def stop(self) -> None:
        """At once, as in a crash: its clients' connections break."""
        if self._process:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _as_user(self) -> dict[str, str | list[str]]:
        return {"user": self._user, "group": self._user, "extra_groups": []} if os.geteuid() == 0 else {}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [postgres_binary(program), *arguments], capture_output=True, text=True, cwd=self._folder, **self._as_user()
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, (self._folder / "log").read_text(encoding="utf-8")
        try:
            self._execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        with psycopg.connect(dbname="postgres", user="callease", host=str(self._folder), autocommit=True) as connection:
            connection.execute(statement)


def postgres_binary(name: str) -> Path:
    """A program of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL is missing: apt-get install postgresql", pytrace=False)
    return found[-1].with_name(name)


def _migrate(url: str) -> None:
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    database.create()
    upgrade(database)
    database.dispose()
