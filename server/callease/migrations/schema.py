"""Brings a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

# Every module with tables, so that migrations see them all.
import callease.attribution.models
import callease.delivery.models
import callease.leads.models
import callease.planning.models
import callease.telephony.models
import callease.tenancy.models
import callease.web.api.idempotency
from callease.base import fences, outbox
from callease.base.database import Base, Database

METADATA = Base.metadata
_TABLES_OF = (
    callease.attribution.models,
    callease.delivery.models,
    callease.leads.models,
    callease.planning.models,
    callease.telephony.models,
    callease.tenancy.models,
    callease.web.api.idempotency,
    fences,
    outbox,
)


def alembic_config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database) -> None:
    """Safe to run by several processes at once: the first one works, the others wait."""
    command.upgrade(alembic_config(database), "head")
