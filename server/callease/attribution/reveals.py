"""A reveal: the visitor asks for a listing's number and gets one, with a durable lease behind it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from callease.attribution import challenge
from callease.attribution.extended import ExtendedNumbers
from callease.attribution.learning import CurveLookup
from callease.attribution.measuring import Measuring
from callease.attribution.models import LeaseEvent, Visit
from callease.attribution.sources import DIRECT, host_of, matches
from callease.attribution.visits import PageView, VisitLookup, VisitUnderWay, begin_visit
from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import CalleaseError, Forbidden, NotFound
from callease.base.group_commit import Row
from callease.base.ids import new_id
from callease.base.secrets import SecretBox
from callease.catalog.addresses import is_excluded
from callease.catalog.hours import is_open, opens_at
from callease.catalog.lookup import CatalogLookup, ListingFacts, SiteFacts
from callease.numbers.budgets import Asker, BudgetSpent, guard_of
from callease.numbers.damage import COSTS
from callease.numbers.extensions import Asked, Coded
from callease.numbers.lookup import NumberLookup
from callease.numbers.models import Lease
from callease.numbers.pool import Held, LeaseRequest, NumberPool, subject_of
from callease.numbers.weighing import Weighing

# A lease younger than this may still be on its way into the log when the same visitor asks again.
_PERHAPS_UNWRITTEN = timedelta(seconds=10)


@dataclass(frozen=True)
class RevealRequest:
    """`origin`: the page's origin as the browser states it, None outside browsers. `counted`:
    the address for budgets, None when it stands for everybody. `solution`: of a challenge."""

    site_key: str
    listing: str
    view: PageView
    origin: str | None
    counted: str | None
    token: str | None
    solution: str | None


@dataclass(frozen=True)
class Revealed:
    """`number` None: nothing to show but what the page has. `reason` says why there is no lease, `challenge` how to get
    one all the same, `budget` which one is spent.

    `extension`: the code to dial after the number; `locale` is the language in which the page is told so.
    """

    kind: str
    number: str | None
    listing: str
    region: str
    lease: str | None = None
    expires_at: datetime | None = None
    ttl: int = 0
    hours: dict[str, Any] | None = None
    reason: str | None = None
    challenge: dict[str, Any] | None = None
    budget: str | None = None
    extension: str | None = None
    locale: str = ""


class Reveals:
    def __init__(
        self,
        database: Database,
        catalog: CatalogLookup,
        pool: NumberPool,
        extended: ExtendedNumbers,
        clock: Clock,
        box: SecretBox,
        measuring: Measuring,
    ) -> None:
        self._measuring = measuring
        self._numbers = NumberLookup(database)
        self._delays = CurveLookup(database)
        self._extended = extended
        self._catalog = catalog
        self._visits = VisitLookup(database)
        self._pool = pool
        self._clock = clock
        self._box = box

    def reveal(self, request: RevealRequest) -> Revealed:
        """Raises NotFound (unknown_site, unknown_listing), Forbidden (origin_not_allowed), BudgetSpent; what is known
        of a number to show stands in their data as `fallback`. Raises Unavailable when the database is down."""
        site = self._catalog.site(request.site_key)
        if site is None:
            raise NotFound("unknown_site")
        listing = self._catalog.listing(site.id, request.listing)
        check_origin(site, request.origin, listing.phone if listing else None)
        if listing is None:
            raise NotFound("unknown_listing")
        view = request.view.of_site(site)
        reason = self._why_no_lease(site, listing, request)
        if site.mode == "measure":
            if reason is None and view.measured and listing.office_id:
                self._measuring.reveal(site, listing.office_id, listing.id, view, self._clock.now())
            return fallback(site, listing, "measure")
        if reason:
            return self._without_lease(site, listing, reason)
        return self._lease(site, listing, view, request)

    def _why_no_lease(self, site: SiteFacts, listing: ListingFacts, request: RevealRequest) -> str | None:
        if listing.status != "active":
            return "listing_not_active"
        if listing.office_id is None:
            return "no_office"
        if request.view.device.is_bot:
            return "bot"
        if is_excluded(request.view.address, site.excluded_ips):
            return "excluded"
        if site.require_token and not self._token_is_valid(site, listing.external_id, request.token):
            return "token"
        return None

    def _token_is_valid(self, site: SiteFacts, listing: str, token: str | None) -> bool:
        key = self._box.open(site.token_key_sealed)
        today = self._clock.now().date()
        valid = (page_token(key, listing, (today - timedelta(days=back)).isoformat()) for back in (0, 1))
        return any(hmac.compare_digest(one.encode(), (token or "").encode()) for one in valid)

    def _lease(
        self,
        site: SiteFacts,
        listing: ListingFacts,
        view: PageView,
        request: RevealRequest,
    ) -> Revealed:
        assert listing.office_id and listing.pool_version is not None, "a listing without an office gets no lease"
        now = self._clock.now()
        visit = self._visits.find(site.id, view.visitor, view.session, now)
        begun = None if visit else begin_visit(view, now)
        source_class = visit.source_class if visit else begun["source_class"] if begun else DIRECT
        lease_id = new_id("lse")
        subject = subject_of(listing.id, view.visitor, view.session, lease_id)

        def rows(held: Held | Coded) -> list[Row]:
            # Redis may have held a number for somebody who was told otherwise, because its answer came too late.
            if not held.new and held.age > _PERHAPS_UNWRITTEN and self._numbers.is_logged(held.lease_id):
                return [(LeaseEvent, _asked_again(held.lease_id, self._clock.now()))]
            if begun:
                # The same from both, when one visitor's two clicks meet in two processes.
                begun["id"] = f"vis_{held.lease_id.removeprefix('lse_')}"
            written: list[Row] = [(Lease, _row(held, site, listing, view, asked, visit, begun))]
            if isinstance(held, Coded):
                written.append(held.row())
            return [(Visit, begun), *written] if begun else written

        try:
            asked = LeaseRequest(
                office_id=listing.office_id,
                pool_version=listing.pool_version,
                source_class=source_class,
                subject=subject,
                lease_id=lease_id,
                seconds=site.lease_seconds,
                guard=guard_of(self._asker(site, listing, subject, view, request, now)),
                weight=1.0 - self._numbers.visitor_known(view.visitor, now),
                weighing=Weighing(COSTS[site.objective], self._delays.curves()),
            )
            held = self._extended.lease(Asked(asked, _counted(view)), rows, partial(self._pool.lease, asked))
        except NotFound:
            return self._without_lease(site, listing, "no_numbers")
        except BudgetSpent as error:
            return self._suspected(site, listing, error, now)
        except CalleaseError as error:
            return fallback(site, listing, error.code)
        return self._shown(site, listing, held)

    def _shown(self, site: SiteFacts, listing: ListingFacts, held: Held | Coded) -> Revealed:
        return Revealed(
            kind="shared" if held.outcome == "shared" else "dynamic",
            number=held.e164,
            listing=listing.external_id,
            region=site.region,
            lease=held.lease_id,
            expires_at=held.expires_at,
            ttl=round(held.left_ms / 1000),
            hours=_hours(listing, self._clock.now()),
            extension=held.code if isinstance(held, Coded) else None,
            locale=site.locale,
        )

    def _asker(
        self,
        site: SiteFacts,
        listing: ListingFacts,
        subject: str,
        view: PageView,
        request: RevealRequest,
        now: datetime,
    ) -> Asker:
        return Asker(
            site_id=site.id,
            office_id=listing.office_id or "",
            subject=subject,
            visitor=_counted(view),
            address=request.counted,
            listing=listing.id,
            lease_seconds=site.lease_seconds,
            proof=challenge.solved(self._box.challenge_key, site.id, request.solution, now),
        )

    def _suspected(self, site: SiteFacts, listing: ListingFacts, error: BudgetSpent, now: datetime) -> Revealed:
        """The office's fixed number and a challenge; where it has none, the error, with the same challenge."""
        puzzle = challenge.make(self._box.challenge_key, site.id, now)
        shown = self._without_lease(site, listing, "suspicious")
        if shown.kind == "static":
            return replace(shown, challenge=puzzle, budget=error.budget)
        error.data.update(fallback=listing.phone, challenge=puzzle)
        raise error

    def _without_lease(self, site: SiteFacts, listing: ListingFacts, reason: str) -> Revealed:
        """The office's fixed number where there is one and a number may be given out at all, else the real one."""
        if reason in ("bot", "excluded", "token", "no_numbers", "suspicious"):
            fixed = self._numbers.fixed_number(listing.office_id)
            if fixed:
                return Revealed("static", fixed, listing.external_id, site.region, reason=reason)
        return fallback(site, listing, reason)


def _asked_again(lease_id: str, at: datetime) -> dict[str, Any]:
    """The columns of an event: the visitor wanted to see the number once more, and may be about to call.

    Its id is the same for a whole minute, so that nobody fills the log by asking.
    """
    id_ = f"lev_{lease_id.removeprefix('lse_')}{at:%d%H%M}"
    return {"id": id_, "lease_id": lease_id, "type": "again", "at": at}


def fallback(site: SiteFacts, listing: ListingFacts, reason: str) -> Revealed:
    return Revealed("fallback", listing.phone, listing.external_id, site.region, reason=reason)


def check_origin(site: SiteFacts, origin: str | None, known_phone: str | None) -> None:
    """Browsers state the page's origin; apps and servers state none. Raises Forbidden("origin_not_allowed")."""
    if origin is None:
        return
    host = host_of(origin) or ""
    if not any(matches(host, domain.removeprefix("www.")) for domain in site.domains):
        raise Forbidden("origin_not_allowed", **({"fallback": known_phone} if known_phone else {}))


def page_token(token_key: str, listing: str, day: str) -> str:
    """The host site's proof that it printed this listing today: hex HMAC-SHA256 of `listing\\nYYYY-MM-DD` (UTC)."""
    return hmac.new(token_key.encode(), f"{listing}\n{day}".encode(), hashlib.sha256).hexdigest()


def _counted(view: PageView) -> str | None:
    who = view.visitor or view.session
    return hashlib.sha256(who.encode()).hexdigest()[:24] if who else None


def _row(
    held: Held | Coded,
    site: SiteFacts,
    listing: ListingFacts,
    view: PageView,
    asked: LeaseRequest,
    visit: VisitUnderWay | None,
    begun: dict[str, Any] | None,
) -> dict[str, Any]:
    visit_id = visit.id if visit else begun["id"] if begun else None
    return {
        "id": held.lease_id,
        "number_id": held.number_id,
        "office_id": listing.office_id,
        "site_id": site.id,
        "listing_id": listing.id,
        "subject": asked.subject,
        "visitor": view.visitor,
        "session": view.session,
        "visit_id": visit_id,
        "source_class": asked.source_class,
        "kind": "shared" if held.made_as == "shared" else "dynamic",
        "borrowed": held.made_as == "borrowed",
        "consented": view.consented,
        "weight": asked.weight,
        "page_url": view.kept_url,
        "referrer": view.kept_referrer,
        "leased_at": held.leased_at,
        "expires_at": held.expires_at,
    }


def _hours(listing: ListingFacts, now: datetime) -> dict[str, Any] | None:
    if not listing.hours:
        return None
    zone = listing.timezone or "UTC"
    return {
        "open": is_open(listing.hours, zone, now),
        "opens_at": opens_at(listing.hours, zone, now),
        "timezone": zone,
    }
