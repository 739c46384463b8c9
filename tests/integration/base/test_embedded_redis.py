"""The embedded Redis: one for all processes of a data directory, as long as there is one."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from callease.base.embedded_redis import EmbeddedRedis
from tests.support.waiting import eventually

# One participant: says when it is in, stays until its input ends, then leaves in good order.
_PARTICIPANT = """
import sys
from pathlib import Path
from callease.base.embedded_redis import EmbeddedRedis
data = Path(sys.argv[1])
redis = EmbeddedRedis(data, data / "run" / "redis.sock")
redis.start()
print("in", flush=True)
sys.stdin.read()
redis.stop()
"""
RESTARTED_WITHIN_SECONDS = 5


class House:
    """A data directory and the processes that live in it."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="callease-redis-", dir="/tmp"))
        self.processes: list[subprocess.Popen[bytes]] = []
        self._pids: set[int] = set()

    def enter(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PARTICIPANT, str(self.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"in\n"
        self._pids.add(self.pid)
        return process

    def leave(self, process: subprocess.Popen[bytes]) -> None:
        process.communicate(timeout=20)
        assert process.returncode == 0

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.communicate(timeout=20)

    @property
    def pid(self) -> int:
        return int((self.data / "run" / "redis.pid").read_text(encoding="utf-8"))

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.data / "run" / "redis.sock"), decode_responses=True)

    def answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def tell(self, name: str, value: str) -> None:
        """Returns when the file has it: while a disk is slow, Redis may hold the last second back."""
        with self.client() as client:
            client.set(name, value)
            eventually(lambda: client.info("persistence")["aof_buffer_length"] == 0)

    def ask(self, name: str) -> str | None:
        with self.client() as client:
            value: str | None = client.get(name)  # type: ignore[assignment]
            return value

    def clear(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)
        with contextlib.suppress(OSError, ValueError):
            self._pids.add(self.pid)  # one that was started again since
        for pid in self._pids:
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and os.fsencode(self.data) in command.read_bytes():
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.data)


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.clear()


def test_the_last_one_out_stops_it(house: House) -> None:
    first, second = house.enter(), house.enter()
    pid = house.pid
    house.tell("who", "both")
    house.leave(first)
    assert (house.ask("who"), house.pid) == ("both", pid)
    house.leave(second)
    assert not house.answers()
    assert not Path(f"/proc/{pid}").exists()


def test_what_it_knew_it_knows_after_a_restart(house: House) -> None:
    first = house.enter()
    house.tell("number", "+77172690001")
    pid = house.pid
    house.leave(first)
    second = house.enter()
    assert house.pid != pid
    assert house.ask("number") == "+77172690001"
    house.leave(second)


def test_a_killed_starter_does_not_take_it_along(house: House) -> None:
    starter, other = house.enter(), house.enter()
    pid = house.pid
    house.kill(starter)
    assert house.answers()
    late = house.enter()
    assert house.pid == pid
    house.leave(late)
    assert house.answers(), "the other one is still there"
    house.leave(other)
    assert not house.answers()


def test_what_killed_processes_left_behind_is_taken_over_and_stopped(house: House) -> None:
    house.kill(house.enter())
    pid = house.pid
    assert house.answers(), "nobody was left to stop it"
    next_one = house.enter()
    assert house.pid == pid, "a server that lives is used, not doubled"
    house.leave(next_one)
    assert not house.answers()


def test_whoever_is_there_starts_a_dead_one_again(house: House) -> None:
    starter, other = house.enter(), house.enter()
    house.tell("number", "+77172690001")
    for survivor in ([starter, other], [other]):
        pid = house.pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: house.pid != pid and house.answers(), RESTARTED_WITHIN_SECONDS)
        assert house.ask("number") == "+77172690001"
        house.leave(survivor[0])
    assert not house.answers()


def test_all_that_start_at_once_get_the_same_one(house: House) -> None:
    code = [sys.executable, "-c", _PARTICIPANT, str(house.data)]
    made = [subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    house.processes += made
    for process in made:
        assert process.stdout
        assert process.stdout.readline() == b"in\n"
    assert house.answers()
    servers = [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and _is_server_of(house, pid)]
    assert [int(pid.name) for pid in servers] == [house.pid]
    for process in made:
        house.leave(process)
    assert not house.answers()


def test_an_old_process_id_that_is_somebody_else_s_now_is_left_alone(house: House) -> None:
    run = house.data / "run"
    run.mkdir()
    (run / "redis.pid").write_text(str(os.getpid()), encoding="utf-8")
    process = house.enter()
    assert house.pid != os.getpid()
    house.leave(process)


def test_a_path_that_is_too_long_is_said_so(tmp_path: Path) -> None:
    data = tmp_path / ("x" * 100)
    with pytest.raises(RuntimeError, match="too long for a Unix socket"):
        EmbeddedRedis(data, data / "run" / "redis.sock").start()


def test_only_its_owner_may_speak_with_it(house: House) -> None:
    process = house.enter()
    assert (house.data / "run" / "redis.sock").stat().st_mode & 0o077 == 0
    house.leave(process)


def _is_server_of(house: House, process: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(house.data / "run" / "redis.sock") in command
