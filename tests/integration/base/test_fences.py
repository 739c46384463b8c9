"""Fences: a row is in the log before the fence is raised, or never; and nobody who hangs holds up the others."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from callease.attribution.models import Visit
from callease.base.database import Database
from callease.base.errors import Unavailable
from callease.base.fences import Behind, Fence, Overtaken, fence_value, raise_fence, stale
from callease.base.group_commit import GroupCommit, Row
from callease.base.redis import LuaScript, ScriptCall
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.size import Size
from tests.support.waiting import eventually

only_postgresql = pytest.mark.parametrize("backend", ["postgresql"])
THREADS = 8


@pytest.fixture
def other(parts: Services) -> Iterator[Database]:
    """What another process has of the same database."""
    database = Database(parts.settings.database_url)
    yield database
    database.dispose()


@pytest.fixture
def nothing(tmp_path: Path) -> ScriptCall:
    (tmp_path / "nothing.lua").write_text("return 1")
    return ScriptCall(LuaScript(tmp_path / "nothing.lua"), ["{f}"], lambda _: [])


def _visit(cast: Cast, id_: str, parts: Services) -> dict[str, Any]:
    now = parts.clock.now()
    columns = {column.key: None for column in Visit.__table__.columns}
    rest = {"started_at": now, "seen_at": now, "source_class": "direct", "clients": {}, "is_bot": False}
    return columns | rest | {"id": id_, "site_id": cast.site["id"]}


def _succeeds(work: Callable[[], object]) -> bool:
    try:
        work()
    except Unavailable:
        return False
    return True


@on_both_databases
def test_nobody_stands_behind_a_fence_that_was_never_raised(parts: Services) -> None:
    """There is no row to hold on to: whoever raised it first would not wait."""
    with parts.database.writing_connection() as connection:
        assert stale(connection, {Behind("f", 0)}) == {Behind("f", 0)}


@on_both_databases
def test_the_newest_value_stands_alone(parts: Services, other: Database) -> None:
    assert [raise_fence(parts.database, "f"), raise_fence(other, "f"), raise_fence(other, "g")] == [1, 2, 1]
    claims = {Behind("f", 1), Behind("f", 2), Behind("f", 3), Behind("g", 1)}
    with parts.database.writing_connection() as connection:
        assert stale(connection, claims) == {Behind("f", 1), Behind("f", 3)}


@on_both_databases
def test_a_row_gets_in_or_the_fence_is_raised_never_both(cast: Cast, parts: Services, other: Database) -> None:
    raise_fence(other, "f")
    raised: list[bool] = []

    def write() -> None:
        with parts.database.writing_connection() as connection:
            assert not stale(connection, {Behind("f", 1)})
            connection.execute(Visit.__table__.insert().values(**_visit(cast, "vis_1", parts)))
            raised.append(_succeeds(lambda: raise_fence(other, "f")))

    written = _succeeds(write)
    with other.reading() as session:
        assert session.scalar(select(func.count(Visit.id))) == int(written)
    assert raised == [not written]


@on_both_databases
def test_rows_of_many_are_in_before_the_fence_is_raised_or_never(
    cast: Cast, parts: Services, other: Database, nothing: ScriptCall, size: Size
) -> None:
    processes = [(database, GroupCommit(database, parts.redis)) for database in (parts.database, other)]
    first = raise_fence(other, "f")
    # On a busy machine all others may be overtaken.
    row: Row = (Visit, _visit(cast, f"vis_{first}_in_time", parts))
    processes[0][1].write_after(nothing, lambda _: [row], Behind("f", first))

    def written(database: Database, before: int) -> set[str]:
        with database.reading() as session:
            return {id_ for id_ in session.scalars(select(Visit.id)) if int(id_.split("_")[1]) < before}

    def work(index: int) -> tuple[int, set[str]] | None:
        """Every fourth raises the fence, and tells what was written behind it; the others write."""
        database, rows = processes[index % 2]
        if index % 4 == 0:
            value = raise_fence(database, "f")
            return value, written(database, value)
        value = fence_value(database, "f")
        row = (Visit, _visit(cast, f"vis_{value}_{index}", parts))
        with suppress(Overtaken):
            rows.write_after(nothing, lambda _: [row], Behind("f", value))
        return None

    with ThreadPoolExecutor(THREADS) as threads:
        told = [each for each in threads.map(work, range(size.pick(300, 5_000))) if each]
    assert written(other, told[-1][0])
    for value, seen in told:
        assert written(other, value) == seen


@only_postgresql
def test_a_fence_that_is_being_raised_holds_up_no_other_s_rows(parts: Services, other: Database) -> None:
    """A group has rows of many offices, and one thread a process."""
    for name in ("f", "g"):
        raise_fence(other, name)

    def claim() -> set[Behind]:
        with parts.database.writing_connection() as connection:
            return stale(connection, {Behind("f", 1), Behind("g", 1)})

    with ThreadPoolExecutor(1) as threads:
        with other.transaction() as session:
            session.execute(update(Fence).where(Fence.name == "f").values(value=2))
            claimed = threads.submit(claim)
            eventually(claimed.done)
        assert claimed.result() == {Behind("f", 1)}


@only_postgresql
def test_who_was_overtaken_stays_so_when_another_s_bad_row_is_met(
    cast: Cast, parts: Services, other: Database, nothing: ScriptCall
) -> None:
    """The group is written again one by one, and whoever was about to raise the fence has failed meanwhile."""
    raise_fence(other, "f")
    rows, reached, gate = GroupCommit(parts.database, parts.redis), threading.Event(), threading.Event()
    bad: Row = (Visit, _visit(cast, "vis_bad", parts) | {"site_id": "nobody's"})
    good: Row = (Visit, _visit(cast, "vis_good", parts))

    def first(_answer: object) -> tuple[Row, ...]:
        reached.set()
        gate.wait()
        return ()

    with ThreadPoolExecutor(3) as threads, other.engine.connect() as raising:
        raising.execute(update(Fence).values(value=2))
        event.listen(parts.database.engine, "rollback", lambda _connection: raising.rollback())
        threads.submit(rows.write_after, nothing, first, Behind("f", 1))
        try:
            eventually(reached.is_set)
            threads.submit(rows.write, [bad])
            asked = threads.submit(rows.write_after, nothing, lambda _: [good], Behind("f", 1))
            eventually(lambda: rows._queue.qsize() == 2)
        finally:
            gate.set()
        assert isinstance(asked.exception(), Overtaken)
    with other.reading() as session:
        assert session.scalars(select(Visit.id)).all() == []


@only_postgresql
def test_whoever_cannot_raise_a_fence_is_told_so(parts: Services, other: Database) -> None:
    raise_fence(other, "f")
    with ThreadPoolExecutor(1) as threads:
        with other.transaction() as session:
            session.execute(select(Fence).with_for_update())
            raised = threads.submit(_succeeds, lambda: raise_fence(parts.database, "f"))
            eventually(raised.done)
        assert raised.result() is False


@only_postgresql
def test_a_writer_that_hangs_is_shut_out_in_the_end(cast: Cast, parts: Services, other: Database) -> None:
    """Its machine may have died: PostgreSQL would keep its transaction for hours."""
    raise_fence(other, "f")
    with pytest.raises(Unavailable), parts.database.writing_connection() as connection:
        assert not stale(connection, {Behind("f", 1)})
        eventually(lambda: _succeeds(lambda: raise_fence(other, "f")))
        connection.execute(Visit.__table__.insert().values(**_visit(cast, "vis_1", parts)))


@only_postgresql
def test_a_rebuild_that_hangs_as_it_raises_the_fence_is_shut_out_in_the_end(parts: Services, other: Database) -> None:
    raise_fence(other, "f")
    goes_on = threading.Event()
    event.listen(parts.database.engine, "commit", lambda _connection: goes_on.wait())
    with ThreadPoolExecutor(1) as threads:
        hangs = threads.submit(_succeeds, lambda: raise_fence(parts.database, "f"))
        try:
            eventually(lambda: _is_being_raised(other))
            eventually(lambda: _succeeds(lambda: raise_fence(other, "f")))
        finally:
            goes_on.set()
        assert hangs.result() is False
    assert fence_value(other, "f") == 2


def _is_being_raised(database: Database) -> bool:
    with database.reading() as session:
        return not session.scalars(select(Fence).with_for_update(skip_locked=True)).all()
