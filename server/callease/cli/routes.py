"""`callease routes`: who owns which number, and whom to ring, when nothing else is left to ask."""

from __future__ import annotations

import csv
import json
import sys
from typing import Any

from callease.app import build_services
from callease.base.errors import Unavailable
from callease.settings import load_settings
from callease.telephony.routing import ring
from callease.telephony.snapshot import SnapshotWriter
from callease.web.services import Services


def run(format_: str) -> int:
    """Fresh from the database, or from the last snapshot when the database is gone."""
    rows = _rows(build_services(load_settings()))
    if format_ == "json":
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    writer = csv.writer(sys.stdout)
    writer.writerow(["number", "office", "advertiser", "name", "destinations", "state"])
    for row in rows:
        destinations = " ".join(str(each["to"]) for each in row["destinations"])
        writer.writerow(
            [row["number"], row["office"], row["advertiser"] or "", row["name"], destinations, row["state"]]
        )
    return 0


def _rows(parts: Services) -> list[dict[str, Any]]:
    try:
        with parts.database.reading() as session:
            writer = SnapshotWriter(parts.settings.snapshot_path)
            writer.refresh(session)
            writer.close()
    except Unavailable:
        print("callease: the database cannot be reached, this is the last snapshot", file=sys.stderr)
    now = parts.clock.now()
    return [
        {
            "number": owner.number.e164,
            "office": owner.office.id,
            "advertiser": owner.office.advertiser_id,
            "name": owner.office.name,
            "destinations": ring(owner.office, owner.overflow, owner.call_centre, now).destinations,
            "state": owner.number.state,
        }
        for owner in parts.snapshot.routes()
    ]
