"""Commits in groups: rows of many requests at once, durable before anybody goes on, and no group in another's way."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from typing import cast as cast_as

import pytest
from redis.exceptions import ResponseError
from sqlalchemy import func, select, text

from callease.attribution.models import Visit
from callease.base.database import Database
from callease.base.errors import LimitExceeded, Unavailable
from callease.base.fences import Behind
from callease.base.group_commit import GroupCommit, Guard, Row
from callease.base.redis import LuaScript, ScriptCall, Store
from callease.numbers.models import Lease
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.size import Size

pytestmark = on_both_databases

THREADS = 16


@pytest.fixture
def two_processes(parts: Services) -> Iterator[list[GroupCommit]]:
    """What two web server processes have of one database."""
    databases = [Database(parts.settings.database_url) for _ in range(2)]
    processes = [GroupCommit(database, parts.redis) for database in databases]
    yield processes
    for process, database in zip(processes, databases, strict=True):
        process.close()
        database.dispose()


def _lease(cast: Cast, number_id: str, id_: str, parts: Services) -> dict[str, Any]:
    now = parts.clock.now()
    columns = {column.key: None for column in Lease.__table__.columns}
    return columns | {
        "id": id_,
        "number_id": number_id,
        "office_id": cast.alatau_sales.id,
        "site_id": cast.site["id"],
        "subject": id_,
        "source_class": "direct",
        "kind": "dynamic",
        "borrowed": False,
        "consented": True,
        "weight": 1.0,
        "leased_at": now,
        "expires_at": now,
    }


def _visit(cast: Cast, id_: str, parts: Services) -> dict[str, Any]:
    now = parts.clock.now()
    columns = {column.key: None for column in Visit.__table__.columns}
    rest = {"started_at": now, "seen_at": now, "source_class": "direct", "clients": {}, "is_bot": False}
    return columns | rest | {"id": id_, "site_id": cast.site["id"]}


def test_two_processes_that_write_the_same_leases_do_not_wait_for_each_other_for_ever(
    cast: Cast, parts: Services, two_processes: list[GroupCommit], size: Size
) -> None:
    """A visitor's two clicks meet in two processes, again and again: with a visit, without one, in any order."""
    number_id = cast.api.all("/numbers")[0]["id"]
    rounds, chance = size.pick(30, 1_000), random.Random(1)

    def write(each: tuple[GroupCommit, list[Row]]) -> None:
        each[0].write(each[1])

    with ThreadPoolExecutor(2 * THREADS) as threads:
        for turn in range(rounds):
            work: list[tuple[GroupCommit, list[Row]]] = []
            for process in two_processes:
                for index in range(THREADS):
                    name = f"{turn:04d}_{index:02d}"
                    visit: list[Row] = [(Visit, _visit(cast, f"vis_{name}", parts))] if chance.random() < 0.5 else []
                    work.append((process, [*visit, (Lease, _lease(cast, number_id, f"lse_{name}", parts))]))
            chance.shuffle(work)
            list(threads.map(write, work))  # raises what any of them raised
    with parts.database.reading() as session:
        assert session.scalar(select(func.count(Lease.id))) == rounds * THREADS
        if not parts.database.is_sqlite:
            deadlocks = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert session.scalar(deadlocks) == 0


def test_who_closes_it_waits_for_what_was_asked(tmp_path: Path, two_processes: list[GroupCommit]) -> None:
    nothing = tmp_path / "nothing.lua"
    nothing.write_text("return 'answer'", encoding="utf-8")
    rows, before = two_processes[0], {*threading.enumerate()}
    reached, gate = threading.Event(), threading.Event()

    def held_up(_answer: object) -> Sequence[Row]:
        reached.set()
        gate.wait()
        return ()

    with ThreadPoolExecutor(2) as threads:
        asked = threads.submit(rows.write_after, ScriptCall(LuaScript(nothing), ["{g}"], lambda _: []), held_up)
        reached.wait()
        closing = threads.submit(rows.close)
        assert "group-commit" in {each.name for each in {*threading.enumerate()} - before}
        gate.set()
        closing.result()
        assert asked.result() == "answer"
    assert {*threading.enumerate()} == before


def test_a_bad_row_fails_alone(cast: Cast, parts: Services, two_processes: list[GroupCommit]) -> None:
    number_id = cast.api.all("/numbers")[0]["id"]
    rows = [_lease(cast, number_id if index != 7 else "num_nobody", f"lse_{index}", parts) for index in range(THREADS)]

    def write(row: dict[str, Any]) -> bool:
        try:
            two_processes[0].write([(Lease, row)])
        except Unavailable:
            raise
        except Exception:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as threads:
        written = list(threads.map(write, rows))
    assert written == [index != 7 for index in range(THREADS)]
    with parts.database.reading() as session:
        assert set(session.scalars(select(Lease.id))) == {f"lse_{i}" for i in range(THREADS) if i != 7}


@pytest.mark.parametrize("broken", ["call", "guard"])
def test_what_cannot_be_sent_fails_alone(broken: str, tmp_path: Path, parts: Services) -> None:
    """The one thread of the process outlives it: everybody else gets an answer, at once and later."""
    echo = tmp_path / "echo.lua"
    echo.write_text("return ARGV[1]", encoding="utf-8")
    script = LuaScript(echo)

    def ask(index: int) -> str:
        def call(name: str) -> ScriptCall:
            def arguments(_run_id: str) -> list[str]:
                if (index, name) == (7, broken):
                    raise KeyError("no such plan")
                return [f"{index}"]

            return ScriptCall(script, [], arguments)

        try:
            guard = Guard(call("guard"), lambda _: None)
            return str(parts.rows.write_after(call("call"), lambda _: (), Behind("nothing", 0), guard))
        except KeyError:
            return "refused"

    expected = ["refused" if index == 7 else f"{index}" for index in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(ask, range(THREADS))) == expected
    assert ask(8) == "8"


class _Store:
    """Answers what it is told, and knows how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.says: dict[LuaScript, Any] = {}

    def run_all(self, calls: Sequence[ScriptCall]) -> list[Any]:
        self.asked += 1
        if not self.says:
            raise Unavailable("redis")
        return [self.says[call.script] for call in calls]


class TestGuards:
    @pytest.fixture
    def scripts(self, tmp_path: Path) -> tuple[LuaScript, LuaScript]:
        for name in ("guard", "lease"):
            (tmp_path / f"{name}.lua").write_text(f"return '{name}'", encoding="utf-8")
        return LuaScript(tmp_path / "guard.lua"), LuaScript(tmp_path / "lease.lua")

    @pytest.fixture
    def store(self) -> _Store:
        return _Store()

    @pytest.fixture
    def ask(
        self, parts: Services, store: _Store, scripts: tuple[LuaScript, LuaScript]
    ) -> Callable[[Callable[[Any], None]], Any]:
        guard, lease = (ScriptCall(script, ["{g}"], lambda _: []) for script in scripts)
        rows = GroupCommit(parts.database, cast_as(Store, store))
        return lambda check: rows.write_after(lease, lambda _: (), guard=Guard(guard, check))

    def test_a_redis_that_is_gone_is_waited_for_once(self, store: _Store, ask: Callable[..., Any]) -> None:
        with pytest.raises(Unavailable, match="redis"):
            ask(lambda _: None)
        assert store.asked == 1

    def test_one_that_fails_alone_lets_in_and_is_told_of_once(
        self,
        store: _Store,
        scripts: tuple[LuaScript, LuaScript],
        ask: Callable[..., Any],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level("INFO")
        store.says = dict(zip(scripts, (ResponseError("no node"), "leased"), strict=True))
        assert [ask(_forbid) for _ in range(3)] == ["leased"] * 3
        store.says[scripts[0]] = "asked"
        assert [ask(lambda _: None) for _ in range(3)] == ["leased"] * 3
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]

    def test_what_it_forbids_is_not_done(
        self, store: _Store, scripts: tuple[LuaScript, LuaScript], ask: Callable[..., Any]
    ) -> None:
        store.says = {scripts[0]: "asked"}  # the lease would be a KeyError
        with pytest.raises(LimitExceeded, match="asked"):
            ask(_forbid)


def _forbid(answer: Any) -> None:
    raise LimitExceeded(answer, 1)
