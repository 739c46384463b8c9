"""The steps of the schema, on databases that hold something, and the models at their end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, inspect, select, text

from callease.attribution.models import CallerMemory
from callease.base.database import Database
from callease.migrations.schema import METADATA, alembic_config, upgrade
from callease.numbers.models import SpentLease
from tests.support.databases import BACKENDS

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'new.sqlite'}")
        database.create()
        yield database
        database.dispose()
        return
    postgres = request.getfixturevalue("postgres")
    name, url = postgres.fresh("template0")
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    yield database
    database.dispose()
    postgres.drop(name)


def _insert(connection: Connection, table_name: str, **values: Any) -> None:
    table = Table(table_name, MetaData(), autoload_with=connection)
    connection.execute(table.insert().values(**values))


def _revision(connection: Connection) -> int:
    return connection.execute(text("SELECT value FROM revisions WHERE name = 'routing'")).scalar_one()


@pytest.fixture
def first_version(empty: Database) -> Database:
    """One office with a number that was shown once."""
    command.upgrade(alembic_config(empty), "0001")
    site = dict.fromkeys(("id", "name", "key", "token_key_sealed", "timezone", "locale", "mode", "objective"), "x")
    with empty.writing_connection() as connection:
        _insert(connection, "offices", id="off_1", name="x", destinations=[], pool_version=1, created_at=NOW)
        _insert(
            connection, "sites", **site, region="KZ", domains=[], excluded_ips=[], consent_required=False,
            require_token=False, lease_seconds=1800, created_at=NOW,
        )  # fmt: skip
        _insert(
            connection, "numbers", id="num_1", e164="+77172690001", office_id="off_1", role="lease", state="active",
            owner_since=NOW, created_at=NOW,
        )  # fmt: skip
        _insert(
            connection, "leases", id="lse_1", number_id="num_1", office_id="off_1", site_id="x", subject="s",
            source_class="direct", kind="dynamic", borrowed=False, consented=True, leased_at=NOW, expires_at=NOW,
        )  # fmt: skip
    return empty


def test_numbers_that_were_shown_stay_with_their_owners(first_version: Database) -> None:
    with first_version.engine.connect() as connection:
        before = _revision(connection)
    upgrade(first_version)
    upgrade(first_version)
    with first_version.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM numbers")).one()
        assert (row.office_id, row.state, row.next_office_id, row.quarantine_until) == ("off_1", "active", None, None)
        assert connection.execute(text("SELECT number_id FROM leases")).scalar_one() == "num_1"
        assert _revision(connection) > before, "snapshots are written anew"


def test_of_a_caller_s_calls_because_of_one_lease_the_first_one_has_spent_it(first_version: Database) -> None:
    with first_version.writing_connection() as connection:
        for call, days in (("call_a", 3), ("call_b", 0), ("call_c", 7)):
            _insert(
                connection, "caller_memory", call_id=call, number_id="num_1", caller_hash="h", office_id="off_1",
                lease_id="lse_1", visitor="v", source_class="direct", source_confidence=0.9, session_confidence=0.8,
                at=NOW + timedelta(days=days),
            )  # fmt: skip
    upgrade(first_version)
    with first_version.reading() as session:
        spent = session.scalars(select(SpentLease)).all()
        remembered = session.scalars(select(CallerMemory).order_by(CallerMemory.call_id)).all()
    assert [(each.call_id, each.lease_id, each.p) for each in spent] == [("call_b", "lse_1", 0.8)]
    assert [each.first_at for each in remembered] == [NOW] * 3
    assert [each.leases[0][:2] for each in remembered] == [["lse_1", "v"]] * 3


def test_the_steps_end_where_the_models_are(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []


def test_every_step_since_the_first_can_be_taken_back(empty: Database) -> None:
    upgrade(empty)
    command.downgrade(alembic_config(empty), "0001")
    with empty.engine.connect() as connection:
        columns = Table("numbers", MetaData(), autoload_with=connection).columns.keys()
    assert not {"previous_office_id", "next_office_id", "next_source_class", "quarantine_until"} & set(columns)
    assert "fences" not in inspect(empty.engine).get_table_names()


def test_what_pools_were_told_can_be_taken_back_and_is_known_again(first_version: Database) -> None:
    upgrade(first_version)
    with first_version.writing_connection() as connection:
        for call, told in (("call_a", True), ("call_b", False)):
            _insert(
                connection, "spent_leases", call_id=call, lease_id="lse_1", p=0.8, hidden=False, pool_told=told,
                told_p=0.8 if told else 0.3, at=NOW,
            )  # fmt: skip
    command.downgrade(alembic_config(first_version), "0008")
    upgrade(first_version)
    with first_version.engine.connect() as connection:
        spent = connection.execute(text("SELECT told_p, pool_told FROM spent_leases ORDER BY call_id")).all()
        assert [(told, bool(all_of_it)) for told, all_of_it in spent] == [(0.8, True), (0.0, False)]
        assert connection.execute(text("SELECT weight FROM leases")).scalar_one() == 1.0


def test_codes_can_be_taken_back(empty: Database) -> None:
    upgrade(empty)
    command.downgrade(alembic_config(empty), "0004")
    with empty.engine.connect() as connection:
        found = inspect(connection)
        assert "number_codes" not in found.get_table_names()
        assert "digits" not in {column["name"] for column in found.get_columns("call_events")}
    upgrade(empty)
