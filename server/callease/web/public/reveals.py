"""A reveal, counted; while the database is gone, the listing's own phone from the snapshot."""

from __future__ import annotations

from callease.attribution.reveals import Revealed, RevealRequest, check_origin, fallback
from callease.base.errors import Unavailable
from callease.numbers.budgets import BudgetSpent
from callease.telephony.snapshot import Snapshot
from callease.web.metrics import LEASES, SUSPICIOUS_REVEALS
from callease.web.services import Services

_REASON = "database"


def reveal(parts: Services, request: RevealRequest) -> Revealed:
    """As `Reveals.reveal`, whatever is down."""
    try:
        revealed = parts.reveals.reveal(request)
    except BudgetSpent as error:
        SUSPICIOUS_REVEALS.labels(error.budget).inc()
        raise
    except Unavailable:
        revealed = _without_database(parts.snapshot, request)
    if revealed.budget:
        SUSPICIOUS_REVEALS.labels(revealed.budget).inc()
    LEASES.labels(revealed.kind).inc()
    return revealed


def _without_database(snapshot: Snapshot, request: RevealRequest) -> Revealed:
    """Never an error that would blank a phone: what the snapshot does not know has no number here, and the page's own
    number stays. Raises Forbidden for a page that is not the site's."""
    nothing = Revealed("fallback", None, request.listing, "", reason=_REASON)
    try:
        site = snapshot.site(request.site_key)
        listing = snapshot.listing(site.id, request.listing) if site else None
    except Unavailable:
        return nothing
    if site is None:
        return nothing
    check_origin(site, request.origin, listing.phone if listing else None)
    return fallback(site, listing, _REASON) if listing else nothing
