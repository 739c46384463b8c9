"""The two look-ups of every page view: the site by its key, the listing by the portal's own id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from callease.catalog.models import Advertiser, Listing, Office, Site


@dataclass(frozen=True)
class SiteFacts:
    id: str
    key: str
    name: str
    domains: list[str]
    region: str
    timezone: str
    locale: str
    mode: str
    consent_required: bool
    require_token: bool
    lease_seconds: int
    token_key_sealed: str


@dataclass(frozen=True)
class ListingFacts:
    """`office_id` is the office that answers, already chosen; `phone` the real one, None when the portal gave none."""

    id: str
    external_id: str
    title: str
    url: str | None
    phone: str | None
    status: str
    advertiser_id: str
    office_id: str
    pool_version: int
    hours: dict[str, Any] | None
    timezone: str | None


_SITE_COLUMNS = tuple(getattr(Site, name) for name in SiteFacts.__dataclass_fields__)
_First = aliased(Office)
_office_that_answers = func.coalesce(
    Listing.office_id,
    select(_First.id)
    .where(_First.advertiser_id == Listing.advertiser_id, _First.retired_at.is_(None))
    .order_by(_First.created_at, _First.id)
    .limit(1)
    .scalar_subquery(),
)
LISTING_FACTS = (
    select(
        Listing.id,
        Listing.external_id,
        Listing.title,
        Listing.url,
        Listing.phone,
        Listing.status,
        Listing.advertiser_id,
        Office.id.label("office_id"),
        Office.pool_version,
        Office.hours,
        Office.timezone,
    )
    .join(Advertiser, Advertiser.id == Listing.advertiser_id)
    .join(Office, Office.id == _office_that_answers)
)
SITE_FACTS = select(*_SITE_COLUMNS).where(Site.retired_at.is_(None))


def find_site(connection: Connection, key: str) -> SiteFacts | None:
    row = connection.execute(SITE_FACTS.where(Site.key == key)).one_or_none()
    return SiteFacts(*row) if row else None


def find_listing_facts(connection: Connection, site_id: str, external_id: str) -> ListingFacts | None:
    query = LISTING_FACTS.where(Listing.site_id == site_id, Listing.external_id == external_id)
    row = connection.execute(query).one_or_none()
    return ListingFacts(*row) if row else None
