"""Measure mode: reveals and visits are counted by the hour, where a live site would have given a number."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callease.attribution.models import MeasuredReveals, MeasuredVisits
from callease.attribution.visits import PageView, VisitLookup, begin_visit
from callease.base.database import Base, Database
from callease.base.errors import InvalidRequest, Unavailable
from callease.base.ids import new_id
from callease.base.redis import Store
from callease.catalog.lookup import SiteFacts
from callease.numbers.pool import subject_of

_log = logging.getLogger(__name__)
_GATHERED_SECONDS = 1.0
_WAITING_AT_MOST = 20_000

# Table and key columns, all but the count.
_Cell = tuple[type[Base], tuple[tuple[str, Any], ...]]


@dataclass(frozen=True)
class _Asked:
    """Somebody wanted to see the number of a listing of `office_id`; `listing_id` is Callease's own."""

    site: SiteFacts
    office_id: str
    listing_id: str
    view: PageView
    at: datetime


class Measuring:
    """Nobody waits for it: what comes is put aside, and one thread a process counts it, a second's worth at a time.

    Of a process that is killed that second is lost. While the database is gone the newest 20,000 are kept.
    """

    def __init__(self, database: Database, store: Store, visits: VisitLookup) -> None:
        self._database = database
        self._store = store
        self._visits = visits
        self._asked: deque[_Asked] = deque(maxlen=_WAITING_AT_MOST)
        self._begun: deque[tuple[str, str, datetime]] = deque(maxlen=_WAITING_AT_MOST)
        self._counts: Counter[_Cell] = Counter()
        self._counting = threading.Lock()
        self._starting = threading.Lock()
        self._something = threading.Event()
        self._thread: threading.Thread | None = None

    def reveal(self, site: SiteFacts, office_id: str, listing_id: str, view: PageView, at: datetime) -> None:
        self._asked.append(_Asked(site, office_id, listing_id, view, at))
        self._tell()

    def visit(self, site_id: str, source_class: str, at: datetime) -> None:
        self._begun.append((site_id, source_class, at))
        self._tell()

    def flush(self) -> None:
        """Counts and writes what has come until now. Raises Unavailable("database"): it is kept for the next time."""
        with self._counting:
            while self._asked:
                asked = self._asked.popleft()
                try:
                    self._count(asked)
                except Unavailable:
                    self._asked.appendleft(asked)
                    raise
            while self._begun:
                site_id, source_class, at = self._begun.popleft()
                self._counts[_cell(MeasuredVisits, at, site_id=site_id, source_class=source_class)] += 1
            self._write()

    def _tell(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._count_forever, name="measuring", daemon=True)
                    self._thread.start()
        self._something.set()

    def _count_forever(self) -> None:
        gathered = threading.Event()
        while True:
            self._something.wait()
            gathered.wait(_GATHERED_SECONDS)
            self._something.clear()
            try:
                self.flush()
            except Unavailable:
                self._something.set()
            except Exception:  # a second's worth is lost, and not everything that comes after it
                _log.exception("what measure mode counted could not be written")
                self._counts.clear()

    def _count(self, asked: _Asked) -> None:
        view, site = asked.view, asked.site
        try:
            visit = self._visits.find(site.id, view.visitor, view.session, asked.at)
        except InvalidRequest:  # a visitor's id that no database keeps
            return
        if not self._is_first(asked):
            return
        source_class = visit.source_class if visit else begin_visit(view, asked.at)["source_class"]
        cell = _cell(MeasuredReveals, asked.at, site_id=site.id, office_id=asked.office_id, source_class=source_class)
        self._counts[cell] += 1

    def _is_first(self, asked: _Asked) -> bool:
        """Who asks again while a lease would go on is counted once, or twice when Redis has forgotten it."""
        subject = subject_of(asked.listing_id, asked.view.visitor, asked.view.session, new_id("lse"))
        key = f"callease:{{{asked.office_id}}}:measured:{subject}"
        try:
            seconds = asked.site.lease_seconds
            return bool(self._store.call(lambda client: client.set(key, 1, nx=True, ex=seconds), key))
        except Unavailable:
            return True

    def _write(self) -> None:
        """In one order everywhere: two processes that write the same cells would wait for each other's others."""
        if not self._counts:
            return
        with self._database.transaction() as session:
            for model, key in sorted(self._counts, key=lambda cell: (cell[0].__tablename__, cell[1])):
                unique = [name for name, _ in key]
                add = self._database.insert_or_add(model, unique, "count")
                session.execute(add.values(**dict(key), count=self._counts[model, key]))
        self._counts.clear()


def _cell(model: type[Base], at: datetime, **key: str) -> _Cell:
    hour_at = at.replace(minute=0, second=0, microsecond=0)
    return model, (*key.items(), ("hour_at", hour_at))
