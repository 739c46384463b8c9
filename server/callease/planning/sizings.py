"""Sizings as work: asked for by somebody or by a day that has passed, claimed by one worker, recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from callease.attribution.models import MeasuredReveals
from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import NotFound
from callease.base.ids import new_id
from callease.catalog.models import Site
from callease.planning.models import SizingRun
from callease.planning.runner import CLAIM, Task, reading_apart
from callease.planning.situation import OnlyCodes, of_log
from callease.planning.sizing import size
from callease.planning.sizing_report import report
from callease.planning.sizing_states import SizingProblem, SizingState

LOG_DAYS = 30.0
# After a day of counting there is something to say, though not yet much.
_COUNTED_FOR = timedelta(days=1)
_KEPT = timedelta(days=400)


def ask(session: Session, clock: Clock, site_id: str) -> SizingRun:
    """The one that waits already, where there is one. One that is under way has read the log already."""
    waits = select(SizingRun).where(SizingRun.site_id == site_id, *_unclaimed(clock.now())).limit(1)
    if (waiting := session.scalar(waits)) is not None:
        return waiting
    run = SizingRun(**_row(clock, site_id), slot=None)
    session.add(run)
    session.flush()
    return run


def site_of(session: Session, site_id: str | None) -> Site:
    """That site, or the first one where none is named. Raises NotFound."""
    sites = _sites(session)
    found = next((site for site in sites if site_id in (None, site.id)), None)
    if found is None:
        raise NotFound("unknown_site")
    return found


def sizing_of(session: Session, site_id: str | None) -> dict[str, Any]:
    """What a page shows: the newest result of a site, and what became of the newest question. Raises NotFound.

    `site` None: there is no site yet.
    """
    sites = _sites(session)
    if site_id is None and not sites:
        return {"site": None}
    site = site_of(session, site_id)
    newest = (
        select(SizingRun)
        .where(SizingRun.site_id == site.id)
        .order_by(SizingRun.asked_at.desc(), SizingRun.id.desc())
        .limit(1)
    )
    last, done = session.scalar(newest), session.scalar(newest.where(SizingRun.state == SizingState.DONE))
    return {
        "site": site,
        "sites": sites,
        "waiting": last is not None and last.state == SizingState.WAITING,
        "problem": last.problem if last else None,
        "done_at": done.done_at if done else None,
        "result": done.result if done else None,
    }


def _sites(session: Session) -> Sequence[Site]:
    return session.scalars(select(Site).where(Site.retired_at.is_(None)).order_by(Site.id)).all()


class Sizings:
    """The `runner.Work` of sizings."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def schedule(self) -> None:
        """One a day for each site in measure mode that has counted for a day; what is too old is forgotten."""
        now = self._clock.now()
        counted_since = func.min(MeasuredReveals.hour_at)
        measuring = (
            select(Site.id)
            .join(MeasuredReveals, MeasuredReveals.site_id == Site.id)
            .where(Site.mode == "measure", Site.retired_at.is_(None))
            .where(MeasuredReveals.hour_at > now - timedelta(days=LOG_DAYS))
            .group_by(Site.id)
            .having(counted_since <= now - _COUNTED_FOR)
        )
        with self._database.transaction() as session:
            session.execute(delete(SizingRun).where(SizingRun.asked_at < now - _KEPT))
            for site_id in session.scalars(measuring).all():
                row = _row(self._clock, site_id) | {"slot": f"{site_id} {now:%Y-%m-%d}"}
                session.execute(self._database.insert_if_new(SizingRun, ["slot"]).values(**row))

    def claim(self) -> Task | None:
        """The one that waits longest, now this worker's own."""
        now = self._clock.now()
        with self._database.transaction() as session:
            due = (
                select(SizingRun)
                .where(SizingRun.due_at <= now, *_unclaimed(now))
                .order_by(SizingRun.due_at, SizingRun.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            run = session.scalar(due)
            if run is None:
                return None
            run.claimed_until = now + CLAIM
            return Task(run.id, partial(work_out, self._database.url, run.site_id, now))

    def renew(self, id_: str) -> None:
        self._change(id_, claimed_until=self._clock.now() + CLAIM)

    def release(self, id_: str) -> None:
        self._change(id_, claimed_until=None)

    def record(self, id_: str, outcome: dict[str, Any] | SizingProblem) -> None:
        """`outcome`: as `work_out` returns it."""
        if isinstance(outcome, SizingProblem):
            what: dict[str, Any] = {"state": SizingState.FAILED, "problem": outcome}
        else:
            what = {"state": SizingState.DONE, "result": outcome}
        self._change(id_, done_at=self._clock.now(), **what)

    def fail(self, id_: str) -> None:
        self.record(id_, SizingProblem.FAILED)

    def _change(self, id_: str, **columns: Any) -> None:
        mine = update(SizingRun).where(SizingRun.id == id_, SizingRun.state == SizingState.WAITING)
        with self._database.transaction() as session:
            session.execute(mine.values(**columns))


def work_out(url: str, site_id: str, now: datetime) -> dict[str, Any] | SizingProblem:
    """What `SizingRun.result` keeps, from the site's log in the database at `url`; minutes. Raises Unavailable."""
    try:
        with reading_apart(url) as session:
            situation = of_log(session, now, LOG_DAYS, session.get_one(Site, site_id))
    except OnlyCodes:
        return SizingProblem.ONLY_CODES
    except ValueError:
        return SizingProblem.NOTHING_COUNTED
    owned = situation.owned if situation.owned and situation.owned >= situation.traffic.offices else None
    try:
        sizing = size(situation.traffic, situation.objective, situation.certainty, owned, lambda _: None)
    except ValueError:
        return SizingProblem.NOBODY_CALLS
    return report(situation, sizing)


def _unclaimed(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Waits, and no worker is at it."""
    nobody_s = SizingRun.claimed_until.is_(None) | (SizingRun.claimed_until < now)
    return SizingRun.state == SizingState.WAITING, nobody_s


def _row(clock: Clock, site_id: str) -> dict[str, Any]:
    now = clock.now()
    return {"id": new_id("siz"), "site_id": site_id, "state": SizingState.WAITING, "asked_at": now, "due_at": now}
