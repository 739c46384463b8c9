"""The commands, as a person or a script runs them."""

import csv
import io
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from callease.tenancy.models import ApiToken, User
from tests.factories import CALL_CENTRE_PHONE, Cast
from tests.support.installation import Installation, free_port
from tests.support.waiting import eventually


def test_init_twice(install: Callable[..., Installation]) -> None:
    """The second one gives a further token, in the same shape, and leaves the first one valid."""
    installation = install()
    first, second = installation.init(), installation.init()
    assert first.keys() == second.keys()
    assert first["owner"] == second["owner"]
    assert first["password"]
    assert second["password"] is None, "it is shown once"
    assert first["token"] != second["token"]
    with installation.reading() as session:
        assert len(session.scalars(select(User)).all()) == 1
        stored = session.scalars(select(ApiToken.token_hash)).all()
    assert len(stored) == 2
    assert not {first["token"], second["token"]} & set(stored)
    assert not _redis_is_running(installation)
    installation.serve()
    for made in (first, second):
        answer = installation.http("GET", "/api/v1/sites", {"Authorization": f"Bearer {made['token']}"})
        assert answer.status == 200


def test_init_prints_nothing_but_json(install: Callable[..., Installation]) -> None:
    done = install().run("init", "--email", "owner@bosaga.kz")
    assert done.returncode == 0
    assert json.loads(done.stdout)["owner"]["email"] == "owner@bosaga.kz"
    assert len(done.stdout.splitlines()) == 1


def test_what_is_written_is_for_its_owner_only(install: Callable[..., Installation]) -> None:
    installation = install()
    installation.init()
    files = [path for path in installation.data_dir.rglob("*") if path.is_file()]
    assert "secret_key" in {path.name for path in files}
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_routes_as_csv_and_json(server: Installation, server_cast: Cast) -> None:
    table = list(csv.DictReader(io.StringIO(server.run("routes").stdout)))
    rows = json.loads(server.run("routes", "--json").stdout)
    assert [row["number"] for row in table] == [row["number"] for row in rows]
    assert [row["state"] for row in table] == [row["state"] for row in rows]
    assert all(list(row)[-1] == "state" for row in (*table, *rows))
    of_number = {row["number"]: row for row in rows}
    for office in server_cast.offices:
        for e164 in office.e164s:
            row = of_number[e164]
            assert (row["office"], row["advertiser"]) == (office.id, office.advertiser)
    free = [of_number[e164] for e164 in server_cast.zhaina_sales.e164s]
    assert {each["to"] for row in free for each in row["destinations"]} == {CALL_CENTRE_PHONE}


def test_routes_of_a_number_in_quarantine(server: Installation, server_cast: Cast) -> None:
    shown = server_cast.page().reveal("ZHK-1003", visitor="routes").json["number"]
    (number,) = server_cast.api.all(f"/numbers?e164=%2B{shown[1:]}")
    server_cast.api.patch(f"/numbers/{number['id']}", {"office": server_cast.saryarka_sales.id})
    (row,) = [row for row in json.loads(server.run("routes", "--json").stdout) if row["number"] == shown]
    server_cast.api.patch(f"/numbers/{number['id']}", {"office": server_cast.alatau_riverside.id})
    assert (row["office"], row["state"]) == (server_cast.alatau_riverside.id, "quarantine")


def test_routes_without_the_database(install: Callable[..., Installation]) -> None:
    installation = install()
    installation.token = installation.init()["token"]
    installation.serve()
    cast = installation.cast()
    last = cast.zhaina_sales.numbers[-1][1]
    assert last in installation.run("routes").stdout
    for path in installation.data_dir.glob("callease.sqlite*"):
        path.rename(path.with_name(f"gone-{path.name}"))
    done = installation.run("routes")
    assert done.returncode == 0
    assert last in done.stdout
    assert "the last snapshot" in done.stderr


@pytest.mark.parametrize("command", [("worker",), ("serve", "--bind", "127.0.0.1:0")])
def test_a_wrong_command_line_is_said_so(command: tuple[str, ...], install: Callable[..., Installation]) -> None:
    done = install().run(*command, "--no-such-option")
    assert done.returncode == 2
    assert "--no-such-option" in done.stderr


def test_a_worker_that_is_stopped_while_it_starts_leaves_no_redis_behind(install: Callable[..., Installation]) -> None:
    installation = install()
    worker = installation.start("worker")
    eventually(lambda: _redis_is_running(installation), 20)
    worker.send_signal(signal.SIGTERM)
    worker.wait(20)
    assert not _redis_is_running(installation)


def test_server_and_worker_leave_nothing_running(install: Callable[..., Installation]) -> None:
    installation = install().up(workers=2)
    assert _processes_of(installation) != []
    serve, worker = installation.processes
    assert (installation.end(worker), installation.end(serve)) == (0, 0)
    assert _processes_of(installation) == []


def test_a_killed_server_leaves_no_worker_processes(install: Callable[..., Installation]) -> None:
    """Nobody looks after them any more: they must not hold the port."""
    installation = install()
    installation.init()
    serve = installation.serve(workers=2)
    serve.kill()
    serve.wait(10)
    eventually(lambda: [pid for pid in _processes_of(installation) if pid != installation.redis_pid] == [], 20)


def test_a_server_can_be_stopped_at_any_moment(install: Callable[..., Installation]) -> None:
    """Also just then, when its worker processes are still on their way."""
    installation = install()
    installation.init()
    serve = installation.start("serve", "--bind", f"127.0.0.1:{free_port()}", "--workers", "2")
    eventually(lambda: len(_processes_of(installation)) >= 4, 20)
    installation.end(serve)
    assert _processes_of(installation) == []


def _redis_is_running(installation: Installation) -> bool:
    """A process that has ended and waits to be buried has no command line any more."""
    try:
        return Path(f"/proc/{installation.redis_pid}/cmdline").read_bytes() != b""
    except (OSError, ValueError):
        return False


def _processes_of(installation: Installation) -> list[int]:
    """Everything that was started with this installation's data directory."""
    mark = f"CALLEASE_DATA_DIR={installation.data_dir}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended, or is not ours to look at
    return found
