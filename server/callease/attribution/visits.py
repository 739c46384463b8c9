"""Visits: one row a session, with the source that the session began with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from callease.attribution.devices import UNKNOWN_DEVICE, Device
from callease.attribution.models import LeaseEvent, Visit
from callease.attribution.sources import DIRECT, Source, bare_address, click_ids, source_of
from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import NotFound
from callease.base.group_commit import GroupCommit
from callease.base.ids import new_id
from callease.catalog.addresses import is_excluded
from callease.catalog.lookup import SiteFacts
from callease.numbers.lookup import NumberLookup

# A visit ends after half an hour without a page; a visitor's last known campaign is believed for a month.
_VISIT_GAP = timedelta(minutes=30)
_SOURCE_REMEMBERED = timedelta(days=30)
_SEEN_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class PageView:
    """One page as the script reports it; `stated` is the host site's own word on the source.

    `address` is where it was asked from, and is not kept. `measured`: its visit counts in measure mode.
    `consented` False: consent is required and was not given, so nothing but the class of the source is kept.
    """

    site_id: str
    domains: list[str]
    visitor: str | None
    session: str | None
    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    stated: Mapping[str, str | None] | None = None
    clients: Mapping[str, str] = field(default_factory=dict)
    device: Device = UNKNOWN_DEVICE
    address: str | None = None
    consented: bool = True
    measured: bool = False

    def of_site(self, site: SiteFacts) -> PageView:
        """The same page, now that its site is known: a visitor's id is the sign of consent."""
        return replace(
            self,
            site_id=site.id,
            domains=site.domains,
            consented=self.visitor is not None or not site.consent_required,
            measured=site.mode == "measure" and not self.is_nobody(site),
        )

    def is_nobody(self, site: SiteFacts) -> bool:
        """Whether this is no visitor whose reveals would take numbers: a bot, or one of the site's own people."""
        return self.device.is_bot or is_excluded(self.address, site.excluded_ips)

    @property
    def kept_url(self) -> str | None:
        return self.url if self.consented or self.url is None else bare_address(self.url)

    @property
    def kept_referrer(self) -> str | None:
        return self.referrer if self.consented else None


class Visits:
    """Page views come by the thousand: new visits are written in groups, one under way once a minute.

    `measured` is told the site, class and moment of each new visit that counts in measure mode.
    """

    def __init__(
        self, database: Database, rows: GroupCommit, clock: Clock, measured: Callable[[str, str, datetime], None]
    ) -> None:
        self._measured = measured
        self._database = database
        self._numbers = NumberLookup(database)
        self._rows = rows
        self._clock = clock

    def take_page_view(self, view: PageView) -> str:
        """The id of the visit that this page belongs to: the one under way, or a new one when the source is a new one.

        Raises Unavailable.
        """
        at = self._clock.now()
        with self._database.reading() as session:
            under_way = visit_under_way(session, view.site_id, view.visitor, view.session, at)
            source = source_of(view.url, view.referrer, view.domains, view.stated)
            if under_way is None or _begins_anew(under_way, source):
                begun = begin_visit(view, at, source or _remembered_source(session, view, at))
                under_way = None
        if under_way is None:
            self._rows.write([(Visit, begun)])
            if view.measured:
                self._measured(view.site_id, begun["source_class"], at)
            return str(begun["id"])
        if at - under_way.seen_at > _SEEN_AGAIN or _new_clients(under_way, view):
            self._continue(under_way.id, view, at)
        return under_way.id

    def take_lease_event(self, lease_id: str, type_: str) -> None:
        """`heartbeat` only says that the page is open: it is checked and not kept.

        Raises NotFound("unknown_lease"), Unavailable.
        """
        if not self._numbers.is_logged(lease_id):
            raise NotFound("unknown_lease")
        if type_ != "heartbeat":
            row = {"id": new_id("lev"), "lease_id": lease_id, "type": type_, "at": self._clock.now()}
            self._rows.write([(LeaseEvent, row)])

    def _continue(self, visit_id: str, view: PageView, at: datetime) -> None:
        with self._database.transaction() as session:
            visit = session.get_one(Visit, visit_id, with_for_update=True)
            visit.seen_at = max(visit.seen_at, at)
            visit.clients = {**visit.clients, **_new_clients(visit, view)}


def visit_under_way(
    session: Session, site_id: str, visitor: str | None, session_id: str | None, at: datetime
) -> Visit | None:
    """The newest visit of this session, or of this visitor within the last half hour."""
    newest = select(Visit).where(Visit.site_id == site_id).order_by(Visit.started_at.desc(), Visit.id.desc()).limit(1)
    if session_id and (found := session.scalar(newest.where(Visit.session == session_id))):
        return found
    if visitor:
        return session.scalar(newest.where(Visit.visitor == visitor, Visit.seen_at > at - _VISIT_GAP))
    return None


@dataclass(frozen=True)
class VisitUnderWay:
    id: str
    source_class: str


class VisitLookup:
    """`visit_under_way` for reveals: the same answer from statements that are put together once."""

    def __init__(self, database: Database) -> None:
        self._by_session = database.lookups.prepare(_BY_SESSION)
        self._by_visitor = database.lookups.prepare(_BY_VISITOR)

    def find(self, site_id: str, visitor: str | None, session_id: str | None, at: datetime) -> VisitUnderWay | None:
        row = None
        if session_id:
            row = self._by_session.first(site_id=site_id, session=session_id)
        if row is None and visitor:
            row = self._by_visitor.first(site_id=site_id, visitor=visitor, since=at - _VISIT_GAP)
        return VisitUnderWay(*row) if row else None


_NEWEST_VISIT = (
    select(Visit.id, Visit.source_class)
    .where(Visit.site_id == bindparam("site_id"))
    .order_by(Visit.started_at.desc(), Visit.id.desc())
    .limit(1)
)
_BY_SESSION = _NEWEST_VISIT.where(Visit.session == bindparam("session"))
_BY_VISITOR = _NEWEST_VISIT.where(Visit.visitor == bindparam("visitor"), Visit.seen_at > bindparam("since"))


def _new_clients(visit: Visit, view: PageView) -> dict[str, Any]:
    return {name: value for name, value in _clients(view).items() if visit.clients.get(name) != value}


def _begins_anew(under_way: Visit, source: Source | None) -> bool:
    if source is None or source.source_class == DIRECT:
        return False
    if under_way.source is None and under_way.source_class == source.source_class:
        return False  # of a visit without consent the class is all that is known
    now = (source.source, source.medium, source.campaign, source.term, source.content)
    return now != (under_way.source, under_way.medium, under_way.campaign, under_way.term, under_way.content)


def _remembered_source(session: Session, view: PageView, at: datetime) -> Source:
    """A page whose referrer is the site itself, in a session that we have not seen: the visitor's last visit tells."""
    if view.visitor:
        query = (
            select(Visit)
            .where(
                Visit.site_id == view.site_id,
                Visit.visitor == view.visitor,
                Visit.started_at > at - _SOURCE_REMEMBERED,
            )
            .order_by(Visit.started_at.desc(), Visit.id.desc())
        )
        if last := session.scalar(query.limit(1)):
            return Source(last.source_class, last.source, last.medium, last.campaign, last.term, last.content)
    return Source(DIRECT)


def begin_visit(view: PageView, at: datetime, source: Source | None = None) -> dict[str, Any]:
    """The columns of a new visit; its source is `source`, else what the page itself says."""
    source = source or source_of(view.url, view.referrer, view.domains, view.stated) or Source(DIRECT)
    return {
        "id": new_id("vis"),
        "site_id": view.site_id,
        "visitor": view.visitor,
        "session": view.session,
        "started_at": at,
        "seen_at": at,
        "landing": view.kept_url,
        "title": view.title,
        "referrer": view.kept_referrer,
        "source_class": source.source_class,
        "source": source.source if view.consented else None,
        "medium": source.medium if view.consented else None,
        "campaign": source.campaign if view.consented else None,
        "term": source.term if view.consented else None,
        "content": source.content if view.consented else None,
        "clients": _clients(view),
        "device": view.device.kind,
        "is_bot": view.device.is_bot,
    }


def _clients(view: PageView) -> dict[str, Any]:
    if not view.consented:
        return {}
    return {**click_ids(view.url), **{key: value for key, value in view.clients.items() if value}}
