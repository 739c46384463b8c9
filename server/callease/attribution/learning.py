"""The delays between a number that was shown and its calls, learnt from this installation's own log."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from callease.attribution.models import CallerMemory, LearntDelays, LeaseEvent
from callease.base.clock import Clock
from callease.base.database import Database
from callease.numbers.delays import DelayCurves, DelayLearner
from callease.numbers.models import Lease, SpentLease

_THE_ROW = 1
# Events of calls come late: the last hour is left for the next time.
_SETTLED = timedelta(hours=1)
_WINDOW = timedelta(days=1)
_BELIEVED_SECONDS = 60.0

_curves = lru_cache(maxsize=8)(DelayCurves)
_LEARNT = select(LearntDelays.first, LearntDelays.again, LearntDelays.hidden, LearntDelays.young).where(
    LearntDelays.id == _THE_ROW
)


def learnt_curves(session: Session) -> DelayCurves:
    """What has been learnt so far; the broad prior where nothing was."""
    row = session.execute(_LEARNT).one_or_none()
    return _curves_of(row)


def _curves_of(row: Sequence[Any] | None) -> DelayCurves:
    if row is None:
        return _curves()
    first, again, hidden, young = row
    return _curves(tuple(first), tuple(again), hidden, tuple(young))


class CurveLookup:
    """The same for reveals: read once a minute."""

    def __init__(self, database: Database) -> None:
        self._lookup = database.lookups.prepare(_LEARNT)
        self._found = _curves()
        self._until = 0.0

    def curves(self) -> DelayCurves:
        """Raises Unavailable."""
        if time.monotonic() > self._until:
            row = self._lookup.first()
            self._found = _curves_of(row)
            self._until = time.monotonic() + _BELIEVED_SECONDS
        return self._found


class Learning:
    """Feeds the log to the learner, a day at a time, in its order."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def catch_up(self) -> None:
        """Learns what has settled since the last time. Raises Unavailable."""
        while self._learn_a_window():
            pass

    def _learn_a_window(self) -> bool:
        """Whether there may be more. Of several workers one writes, the others' work is dropped."""
        settled = self._clock.now() - _SETTLED
        with self._database.reading() as session:
            row = session.get(LearntDelays, _THE_ROW)
            begins = row.until if row else session.scalar(select(func.min(Lease.leased_at)))
            if begins is None or begins >= settled:
                return False
            learner = DelayLearner.of_state(row.state) if row else DelayLearner()
            until = min(settled, begins + _WINDOW)
            for _, tell in heapq.merge(*_told(session, learner, begins, until), key=lambda each: each[0]):
                tell()
        self._write(row, learner, until)
        return until < settled

    def _write(self, seen: LearntDelays | None, learner: DelayLearner, until: datetime) -> None:
        curves = learner.curves()
        columns: dict[str, Any] = {
            "first": list(curves.first),
            "again": list(curves.again),
            "hidden": curves.hidden,
            "young": list(curves.young),
            "state": learner.state(),
            "until": until,
        }
        with self._database.transaction() as session:
            if seen is None:
                insert = self._database.insert_if_new(LearntDelays, ["id"])
                session.execute(insert.values(id=_THE_ROW, **columns))
            else:
                mine = LearntDelays.id == _THE_ROW, LearntDelays.until == seen.until
                session.execute(update(LearntDelays).where(*mine).values(**columns))


def _told(
    session: Session, learner: DelayLearner, begins: datetime, until: datetime
) -> Iterator[Iterator[tuple[datetime, Any]]]:
    """Three streams in the order of time: leases, first calls, further calls."""
    leases = select(Lease.leased_at).where(Lease.leased_at >= begins, Lease.leased_at < until).order_by(Lease.leased_at)
    yield ((at, lambda at=at: learner.leased(at)) for at in session.scalars(leases).all())
    yield _first_calls(session, learner, begins, until)
    yield _further_calls(session, learner, begins, until)


def _first_calls(
    session: Session, learner: DelayLearner, begins: datetime, until: datetime
) -> Iterator[tuple[datetime, Any]]:
    """Their delay counts from when the visitor saw the number last."""
    asked = (
        select(func.max(LeaseEvent.at))
        .where(LeaseEvent.lease_id == SpentLease.lease_id, LeaseEvent.type == "again", LeaseEvent.at <= SpentLease.at)
        .scalar_subquery()
    )
    query = (
        select(SpentLease, func.coalesce(asked, Lease.leased_at))
        .join(Lease, Lease.id == SpentLease.lease_id)
        .where(SpentLease.at >= begins, SpentLease.at < until)
        .order_by(SpentLease.at, SpentLease.call_id)
    )
    calls: dict[str, tuple[SpentLease, list[tuple[float, float]]]] = {}
    for spent, shown_at in session.execute(query).all():
        _, ages = calls.setdefault(spent.call_id, (spent, []))
        ages.append(((spent.at - shown_at).total_seconds(), spent.p))
    for spent, ages in calls.values():
        share = min(1.0, sum(p for _, p in ages))
        yield spent.at, lambda spent=spent, ages=ages, share=share: learner.called(spent.at, ages, spent.hidden, share)


def _further_calls(
    session: Session, learner: DelayLearner, begins: datetime, until: datetime
) -> Iterator[tuple[datetime, Any]]:
    """As far as they were no lease's first call."""
    first = (
        select(func.coalesce(func.sum(SpentLease.p), 0.0))
        .where(SpentLease.call_id == CallerMemory.call_id)
        .scalar_subquery()
    )
    query = (
        select(CallerMemory.at, CallerMemory.first_at, first)
        .where(CallerMemory.at >= begins, CallerMemory.at < until, CallerMemory.first_at < CallerMemory.at)
        .order_by(CallerMemory.at)
    )
    for at, since, p in session.execute(query).all():
        seconds, again = (at - since).total_seconds(), max(0.0, 1.0 - p)
        yield at, lambda at=at, seconds=seconds, again=again: learner.called_again(at, seconds, again)
