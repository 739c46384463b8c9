"""The parts that views use, made once a process by `callease.app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from callease.attribution.learning import Learning
from callease.attribution.measuring import Measuring
from callease.attribution.reveals import Reveals
from callease.attribution.visits import Visits
from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.group_commit import GroupCommit
from callease.base.redis import Store
from callease.base.secrets import SecretBox
from callease.catalog.lookup import CatalogLookup
from callease.leads.intake import CallIntake
from callease.numbers.spending import Spending
from callease.planning.planner import Planner
from callease.settings import Settings
from callease.telephony.snapshot import Snapshot


@dataclass(frozen=True)
class Services:
    settings: Settings
    clock: Clock
    database: Database
    redis: Store
    box: SecretBox
    catalog: CatalogLookup
    rows: GroupCommit
    visits: Visits
    snapshot: Snapshot
    reveals: Reveals
    measuring: Measuring
    intake: CallIntake
    spending: Spending
    learning: Learning
    planner: Planner

    def close(self) -> None:
        """What has been asked for is done first."""
        self.rows.close()
        self.database.dispose()
        self.redis.close()


def services() -> Services:
    return cast(Services, current_app.extensions["callease"])
