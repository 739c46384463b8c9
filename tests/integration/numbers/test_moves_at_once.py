"""Moves of numbers while somebody else changes the same things; on SQLite there is one writer at a time anyway."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from callease.base.fences import Behind, fence_value, raise_fence, stale
from callease.catalog import revisions
from callease.catalog.models import Office
from callease.numbers.models import Lease, Number
from callease.numbers.numbers import complete_moves, retire_number, update_number
from tests.integration.numbers.conftest import DAY, Move
from tests.support.waiting import eventually

QUARANTINE = timedelta(days=60)


@pytest.fixture
def backend() -> str:
    return "postgresql"


def test_a_change_that_has_read_the_number_before_the_move_sees_it_moved(move: Move) -> None:
    """Taken for a cancelled move, the new owner would keep the number and the client be told otherwise."""
    move.to(move.new)
    with move.parts.database.transaction() as session:
        number = session.get_one(Number, move.id)
        assert number.office_id == move.old.id
        move.days_later(60)
        update_number(session, move.clock, number, {"office_id": move.old.id}, QUARANTINE)
    number_now = move.read()
    assert (number_now["office"], number_now["state"]) == (move.new.id, "quarantine")
    assert number_now["next_office"] == move.old.id


def test_retiring_a_number_that_has_just_moved_retires_the_new_owners(move: Move) -> None:
    move.to(move.new)
    versions = move.pool_version(move.old), move.pool_version(move.new)
    with move.parts.database.transaction() as session:
        number = session.get_one(Number, move.id)
        move.days_later(60)
        retire_number(session, number)
    assert (move.read()["office"], move.read()["state"]) == (move.new.id, "retired")
    assert (move.pool_version(move.old), move.pool_version(move.new)) == (versions[0] + 1, versions[1] + 2)


def test_an_office_that_is_retired_at_this_very_moment_gets_nothing(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = move.to(move.new)
    changed = revisions.changed

    def after_the_office_is_retired(session: Session, model: Any) -> None:
        with move.parts.database.transaction() as other:
            other.get_one(Office, move.new.id).retired_at = move.clock.now()
        changed(session, model)

    monkeypatch.setattr(revisions, "changed", after_the_office_is_retired)
    move.days_later(60)
    assert move.read() == moving


def test_of_many_workers_one_completes_a_move(move: Move) -> None:
    move.to(move.new)
    version = move.pool_version(move.new)
    move.clock.advance(60 * DAY)

    def work(_: int) -> tuple[str, ...]:
        with move.parts.database.transaction() as session:
            return complete_moves(session, move.clock).completed

    with ThreadPoolExecutor(6) as pool:
        completed = [id_ for ids in pool.map(work, range(12)) for id_ in ids]
    assert completed == [move.id]
    assert move.pool_version(move.new) == version + 1


def test_a_first_lease_that_is_just_being_written_makes_the_move_a_quarantine(move: Move) -> None:
    """The move waits for the row, and the row for nothing that the move has locked."""
    office, database = move.old.id, move.parts.database
    number = move.cast.api.post("/numbers", {"e164": "+77172692999", "office": office})
    raise_fence(database, office)
    with database.reading() as session:
        shown = session.scalars(select(Lease)).one()
        row = {column.key: getattr(shown, column.key) for column in Lease.__table__.columns}
    with ThreadPoolExecutor(1) as pool:
        with database.writing_connection() as connection:
            behind = Behind(office, fence_value(database, office))
            assert not stale(connection, {behind})
            moving = pool.submit(move.cast.api.patch, f"/numbers/{number['id']}", {"office": move.new.id})
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            eventually(lambda: connection.scalar(waiting) == 1)
            connection.execute(Lease.__table__.insert().values(**row | {"id": "lse_first", "number_id": number["id"]}))
        assert (moving.result()["state"], moving.result()["next_office"]) == ("quarantine", move.new.id)
