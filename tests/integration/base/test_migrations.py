"""The steps of the schema, on databases that hold something, and the models at their end."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, inspect, text

from callease.base.database import Database
from callease.migrations.schema import METADATA, alembic_config, upgrade
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


def test_numbers_that_were_shown_stay_with_their_owners(empty: Database) -> None:
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
        before = _revision(connection)
    upgrade(empty)
    upgrade(empty)
    with empty.writing_connection() as connection:
        row = connection.execute(text("SELECT * FROM numbers")).one()
        assert (row.office_id, row.state, row.next_office_id, row.quarantine_until) == ("off_1", "active", None, None)
        assert connection.execute(text("SELECT number_id FROM leases")).scalar_one() == "num_1"
        assert _revision(connection) > before, "snapshots are written anew"


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


def test_codes_can_be_taken_back(empty: Database) -> None:
    upgrade(empty)
    command.downgrade(alembic_config(empty), "0004")
    with empty.engine.connect() as connection:
        found = inspect(connection)
        assert "number_codes" not in found.get_table_names()
        assert "digits" not in {column["name"] for column in found.get_columns("call_events")}
    upgrade(empty)
