"""Alembic's entry point; the engine is handed in by `callease.migrations.schema`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Engine, text

from callease.migrations.schema import METADATA

_LOCK = 4_701_120_260  # any constant: it only has to be the same for all who upgrade this database


def run() -> None:
    engine: Engine = context.config.attributes["engine"].execution_options(writes=True)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            render_as_batch=engine.dialect.name == "sqlite",
            compare_type=True,
            render_item=_render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


def _render_item(type_: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Migrations must not break when the model's own types move: aware times are plain times with a zone there."""
    if type_ == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


run()
