"""Many listings at once: each is made, changed or left as it is, by (site, external id)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.ids import new_id
from callease.catalog.models import Listing

Item = TypeVar("Item")

_BATCH = 1_000


@dataclass
class ImportReport:
    """`errors`: `{"row": number in the file from 1, "external_id", "errors": {field: [problems]}}`."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    closed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


def import_listings(session: Session, clock: Clock, rows: Sequence[dict[str, Any]], report: ImportReport) -> None:
    """`rows` hold columns of `Listing`, checked already; of two rows with one id the later one counts."""
    latest = {(row["site_id"], row["external_id"]): row for row in rows}
    for batch in _batches(list(latest.values())):
        by_site: dict[str, set[str]] = {}
        for row in batch:
            by_site.setdefault(row["site_id"], set()).add(row["external_id"])
        known: dict[tuple[str, str], Listing] = {}
        for site_id, ids in by_site.items():
            found = session.scalars(select(Listing).where(Listing.site_id == site_id, Listing.external_id.in_(ids)))
            known |= {(site_id, listing.external_id): listing for listing in found}
        for row in batch:
            _take(session, clock, known.get((row["site_id"], row["external_id"])), row, report)
        session.flush()


def close_missing(
    session: Session, clock: Clock, site_id: str, present: set[str], advertiser_id: str | None, report: ImportReport
) -> None:
    """Closes the site's listings, of one advertiser or of all, that are not among `present` (external ids)."""
    open_ones = select(Listing.id, Listing.external_id).where(Listing.site_id == site_id, Listing.status != "closed")
    if advertiser_id:
        open_ones = open_ones.where(Listing.advertiser_id == advertiser_id)
    missing = [id_ for id_, external_id in session.execute(open_ones) if external_id not in present]
    for batch in _batches(missing):
        for listing in session.scalars(select(Listing).where(Listing.id.in_(batch))):
            listing.status, listing.updated_at = "closed", clock.now()
        session.flush()
    report.closed += len(missing)


def _take(session: Session, clock: Clock, listing: Listing | None, row: dict[str, Any], report: ImportReport) -> None:
    now = clock.now()
    if listing is None:
        session.add(Listing(id=new_id("lst"), created_at=now, updated_at=now, **row))
        report.created += 1
        return
    changes = {name: value for name, value in row.items() if getattr(listing, name) != value}
    if not changes:
        report.unchanged += 1
        return
    for name, value in changes.items():
        setattr(listing, name, value)
    listing.updated_at = now
    report.updated += 1


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
