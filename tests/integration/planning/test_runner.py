"""Work of minutes in a process of its own: what it makes is kept until it is recorded."""

import operator
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from callease.base.errors import Unavailable
from callease.planning import runner as runner_module
from callease.planning.runner import Runner, Task
from tests.support.waiting import eventually


class _Rows:
    """Work of one row, and what has become of it; the database is `away` for so many further calls."""

    def __init__(self, compute: Callable[[], Any]) -> None:
        self.waiting = [Task("once", compute)]
        self.told: list[Any] = []
        self.away = 0
        self.refuses: Any = None

    def claim(self) -> Task | None:
        return self.waiting.pop() if self.waiting else None

    def renew(self, id_: str) -> None:
        self.told = ["renewed"]

    def release(self, id_: str) -> None:
        self._tell("released")

    def record(self, id_: str, outcome: Any) -> None:
        if outcome == self.refuses:
            raise ValueError(outcome)
        self._tell(outcome)

    def fail(self, id_: str) -> None:
        self._tell("failed")

    def _tell(self, what: Any) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("database")
        self.told = [what]


@pytest.fixture
def runner_of() -> Iterator[Callable[[_Rows], Runner]]:
    runners: list[Runner] = []

    def begun(rows: _Rows) -> Runner:
        runners.append(Runner(rows, nice=0))
        runners[-1].turn()
        return runners[-1]

    yield begun
    for runner in runners:
        runner.stop()


def _database_is_away() -> None:
    raise Unavailable("database")


def _redis_is_gone() -> None:
    raise Unavailable("redis")


def _is_told_to_end(at_once: bool) -> None:
    if at_once:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(600)


def _hears_nothing(ready: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(ready).touch()
    time.sleep(600)


def _ended(runner: Runner) -> bool:
    runner.turn()
    return runner.pid is None


def _refused(runner: Runner) -> bool:
    try:
        runner.turn()
    except Unavailable:
        return True
    return False


def test_what_is_made_is_kept_until_it_is_recorded(runner_of: Callable[[_Rows], Runner]) -> None:
    rows = _Rows(partial(operator.mul, 6, 7))
    runner = runner_of(rows)
    rows.away = 2
    eventually(lambda: _refused(runner))
    assert _refused(runner)
    runner.turn()
    assert (rows.told, runner.pid) == ([42], None)


def test_a_worker_that_ends_records_what_is_made(runner_of: Callable[[_Rows], Runner]) -> None:
    rows = _Rows(partial(operator.mul, 6, 7))
    runner = runner_of(rows)
    rows.away = 1
    eventually(lambda: _refused(runner))
    runner.stop()
    assert rows.told == [42]


def test_nobody_needs_the_database_to_end(runner_of: Callable[[_Rows], Runner]) -> None:
    rows = _Rows(partial(time.sleep, 600))
    runner = runner_of(rows)
    runner.turn()
    assert rows.told == ["renewed"]
    rows.away = 1
    runner.stop()
    assert (rows.away, runner.pid) == (0, None)


@pytest.mark.parametrize(
    ("compute", "told"),
    [
        (_database_is_away, "released"),
        (partial(_is_told_to_end, False), "released"),
        (partial(_is_told_to_end, True), "released"),
        (_redis_is_gone, "failed"),
        (partial(operator.truediv, 1, 0), "failed"),
    ],
)
def test_who_could_not_read_or_was_told_to_end_may_try_again(
    runner_of: Callable[[_Rows], Runner], compute: Callable[[], Any], told: str
) -> None:
    rows = _Rows(compute)
    runner = runner_of(rows)
    eventually(lambda: _ended(runner))
    assert rows.told == [told]


def test_what_cannot_be_kept_has_failed(runner_of: Callable[[_Rows], Runner]) -> None:
    rows = _Rows(partial(operator.mul, 6, 7))
    rows.refuses = 42
    runner = runner_of(rows)
    eventually(lambda: _ended(runner))
    assert rows.told == ["failed"]


def test_a_child_that_does_not_hear_cannot_keep_its_worker(
    runner_of: Callable[[_Rows], Runner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "_ENDS_SECONDS", 0.05)
    ready = tmp_path / "ready"
    rows = _Rows(partial(_hears_nothing, str(ready)))
    runner = runner_of(rows)
    eventually(ready.exists)
    pid = runner.pid
    runner.stop()
    assert rows.told == ["released"]
    assert not Path(f"/proc/{pid}").exists()
