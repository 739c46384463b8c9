"""The two look-ups of every page view: the site by its key, the listing by the portal's own id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased

from callease.base.database import Database
from callease.catalog.changes import ChangeMark, Memory
from callease.catalog.models import Advertiser, Listing, Office, Site

_DEFAULT_TIMEZONE = "UTC"


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
    objective: str
    consent_required: bool
    require_token: bool
    lease_seconds: int
    token_key_sealed: str
    excluded_ips: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ListingFacts:
    """`office_id` is the office that answers, already chosen; None when the advertiser has none left.

    `phone` is the real one, None when the portal gave none.
    """

    id: str
    external_id: str
    title: str
    url: str | None
    phone: str | None
    status: str
    advertiser_id: str
    office_id: str | None
    pool_version: int | None
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
    .outerjoin(Office, Office.id == _office_that_answers)
)
SITE_FACTS = select(*_SITE_COLUMNS).where(Site.retired_at.is_(None))


_FIRST_TIMEZONE = select(Site.timezone).where(Site.retired_at.is_(None)).order_by(Site.id).limit(1)
_SITE_BY_KEY = SITE_FACTS.where(Site.key == bindparam("key"))
_LISTING_BY_ID = LISTING_FACTS.where(
    Listing.site_id == bindparam("site_id"), Listing.external_id == bindparam("external_id")
)


class CatalogLookup:
    """Remembers what it found for as long as a `Memory` does."""

    def __init__(self, database: Database, changes: ChangeMark) -> None:
        self._site_by_key = database.lookups.prepare(_SITE_BY_KEY)
        self._listing_by_id = database.lookups.prepare(_LISTING_BY_ID)
        self._first_timezone = database.lookups.prepare(_FIRST_TIMEZONE)
        self._sites: Memory[str, SiteFacts] = Memory(changes)
        self._listings: Memory[tuple[str, str], ListingFacts] = Memory(changes)
        self._timezones: Memory[str, str] = Memory(changes)

    def site(self, key: str) -> SiteFacts | None:
        """None for an unknown or retired key. Raises Unavailable."""
        return self._sites.find(key, lambda: self._read_site(key))

    def listing(self, site_id: str, external_id: str) -> ListingFacts | None:
        """None for a listing that the site does not have. Raises Unavailable."""
        return self._listings.find((site_id, external_id), lambda: self._read_listing(site_id, external_id))

    def portal_timezone(self) -> str:
        """The time zone of the portal's first site, for people who look at all of it. Raises Unavailable."""
        return self._timezones.find("", self._read_timezone) or _DEFAULT_TIMEZONE

    def _read_timezone(self) -> str | None:
        found: str | None = self._first_timezone.scalar()
        return found

    def _read_site(self, key: str) -> SiteFacts | None:
        row = self._site_by_key.first(key=key)
        return SiteFacts(*row) if row else None

    def _read_listing(self, site_id: str, external_id: str) -> ListingFacts | None:
        row = self._listing_by_id.first(site_id=site_id, external_id=external_id)
        return ListingFacts(*row) if row else None
