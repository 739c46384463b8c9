"""A wrong setting stops the start with one line that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installation import free_port

_COMMAND = Path(sys.executable).with_name("callease")
# `{dir}` is a data directory that exists, `{file}` a file that is no database, `{missing}` a path that is nowhere.
WRONG = (
    ("CALLEASE_DATABASE_URL", "not-an-address"),
    ("CALLEASE_DATABASE_URL", "mysql://callease@localhost/callease"),
    ("CALLEASE_DATABASE_URL", "postgresql://callease@localhost:port/callease"),
    ("CALLEASE_DATABASE_URL", "sqlite://"),
    ("CALLEASE_DATABASE_URL", "sqlite:///:memory:"),
    ("CALLEASE_REDIS_URL", "http://localhost:6379"),
    ("CALLEASE_REDIS_URL", "redis://localhost:port"),
    ("CALLEASE_REDIS_URL", "redis+cluster://a:7000,b:port"),
    ("CALLEASE_SECRET_KEY", "short"),
    ("CALLEASE_SECRET_KEY_FILE", "{missing}"),
    ("CALLEASE_SECRET_KEY_FILE", "{dir}"),
    ("CALLEASE_DATA_DIR", "{file}"),
    ("CALLEASE_DATA_DIR", "{file}/below"),
    ("CALLEASE_DATA_DIR", "{dir}/" + "x" * 100),
    ("CALLEASE_PUBLIC_URL", "calls.example.kz"),
    ("CALLEASE_PUBLIC_URL", "https://"),
    ("CALLEASE_PUBLIC_PREFIX", "c"),
    ("CALLEASE_PUBLIC_PREFIX", "/c?x"),
    ("CALLEASE_PUBLIC_PREFIX", "/api"),
    ("CALLEASE_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
    ("CALLEASE_ALLOW_PRIVATE_URLS", "http://crm.internal:8080"),
    ("CALLEASE_RETRY_SECONDS", "5, soon"),
    ("CALLEASE_RETRY_SECONDS", "-5"),
    ("CALLEASE_RETRY_SECONDS", "1.5"),
    ("CALLEASE_QUARANTINE_DAYS", "3651"),
)
# Addresses of the right form with nothing behind them.
UNREACHABLE = (
    "sqlite:///{missing}/callease.sqlite",
    "sqlite:///{dir}",
    "sqlite:///{file}",
    "postgresql://callease@127.0.0.1:{port}/callease",
)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_the_server(name: str, value: str, tmp_path: Path) -> None:
    code, line = _start(["serve", "--bind", f"127.0.0.1:{free_port()}"], {name: value}, tmp_path)
    assert (code, line.startswith(f"callease: {name}: ")) == (2, True), line


@pytest.mark.parametrize("command", ["init", "worker", "routes", "demo"])
def test_a_wrong_value_stops_every_command(command: str, tmp_path: Path) -> None:
    code, line = _start([command], {"CALLEASE_PUBLIC_PREFIX": "nonsense"}, tmp_path)
    assert (code, line.startswith("callease: CALLEASE_PUBLIC_PREFIX: ")) == (2, True), line


@pytest.mark.parametrize("value", UNREACHABLE)
def test_a_database_that_is_not_there_stops_the_start(value: str, tmp_path: Path) -> None:
    code, line = _start(["worker"], {"CALLEASE_DATABASE_URL": value}, tmp_path)
    assert code != 0
    assert line.startswith("callease: CALLEASE_DATABASE_URL: "), line


def test_a_secret_given_twice(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("a secret key of good length", encoding="utf-8")
    settings = {"CALLEASE_SECRET_KEY": "another key of good length", "CALLEASE_SECRET_KEY_FILE": str(key_file)}
    code, line = _start(["worker"], settings, tmp_path)
    assert (code, line.startswith("callease: CALLEASE_SECRET_KEY_FILE: ")) == (2, True), line


@pytest.mark.parametrize("bind", ["nonsense", "127.0.0.1:port", "127.0.0.1:0", "127.0.0.1:70000", "203.0.113.1:8000"])
def test_an_address_that_cannot_be_bound(bind: str, tmp_path: Path) -> None:
    code, line = _start(["serve", "--bind", bind], {}, tmp_path)
    assert (code, line.startswith("callease: --bind: ")) == (2, True), line


def _start(arguments: list[str], settings: dict[str, str], folder: Path) -> tuple[int, str]:
    """Exit code, and the one line of stderr."""
    data, file = folder / "data", folder / "no database"
    data.mkdir()
    file.write_text("nothing that anybody could use as a database or a folder\n" * 100, encoding="utf-8")
    places = {"dir": data, "file": file, "missing": folder / "missing", "port": free_port()}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLEASE_")}
    environment["CALLEASE_DATA_DIR"] = str(data)
    environment |= {name: value.format(**places) for name, value in settings.items()}
    done = subprocess.run(
        [_COMMAND, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    return done.returncode, lines[0]
