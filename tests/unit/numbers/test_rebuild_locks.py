"""One rebuilds, the others wait for it, and none for ever."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from callease.base.errors import Unavailable
from callease.numbers import rebuild_locks
from callease.numbers.rebuild_locks import RebuildLocks


def test_whoever_waits_for_one_that_hangs_is_told_so_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_locks, "_PATIENCE_SECONDS", 0.01)
    locks = RebuildLocks()

    def take(id_: str) -> str:
        with locks.alone(id_):
            return id_

    with ThreadPoolExecutor(1) as threads:
        with locks.alone("off_1"):
            with pytest.raises(Unavailable):
                threads.submit(take, "off_1").result()
            assert threads.submit(take, "off_2").result() == "off_2"
        assert threads.submit(take, "off_1").result() == "off_1"
