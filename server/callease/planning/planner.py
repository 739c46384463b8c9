"""The planner's turns: once a day, and when somebody asks, it looks at the log and renews the proposals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from callease.attribution.learning import learnt_curves
from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.ids import new_id
from callease.planning.decisions import decide, settle_purchases
from callease.planning.holdings import MONTH_SECONDS
from callease.planning.models import ProposalRun, StoredProposal
from callease.planning.portal import Portal, portal
from callease.planning.proposal_states import ProposalState, after
from callease.planning.proposals import Gain, Key, Kind, Proposal, in_points, propose
from callease.planning.runner import CLAIM, Task, reading_apart

_DAILY = timedelta(days=1)
# A log of hours shows an afternoon and no habits.
SEEN_DAYS_AT_LEAST = 3.0
# What was dismissed is not asked again so soon.
_DECLINED_FOR = timedelta(days=30)
_WAITS = 1
_AGAIN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Look:
    """What was seen at a moment, and what follows from it."""

    at: datetime
    seen: Portal
    proposals: Sequence[Proposal]


def request_run(session: Session, database: Database, clock: Clock) -> ProposalRun:
    """The run that waits, due now: a new one unless one is waiting already.

    One that is under way is asked once more: it is done when somebody has looked who began after this.
    """
    now = clock.now()
    values = {"id": new_id("prn"), "slot": _WAITS, "due_at": now, "created_at": now}
    session.execute(database.insert_if_new(ProposalRun, ["slot"]).values(**values))
    waiting = ProposalRun.slot == _WAITS
    later_or_under_way = (ProposalRun.due_at > now) | ProposalRun.claimed_until.is_not(None)
    session.execute(update(ProposalRun).where(waiting, later_or_under_way).values(due_at=now))
    return session.scalars(select(ProposalRun).where(waiting)).one()


class Planner:
    """Any number of workers. A look at the log is a `runner.Work`: one worker has it."""

    def __init__(self, database: Database, clock: Clock, quarantine: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._quarantine = quarantine

    def turn(self) -> None:
        """Settles purchases, and plans the next run. Raises Unavailable."""
        with self._database.transaction() as session:
            settle_purchases(session)
            self._plan_ahead(session)

    def claim(self) -> Task | None:
        """The run that is due, now this worker's own."""
        now = self._clock.now()
        with self._database.transaction() as session:
            due = (
                select(ProposalRun)
                .where(ProposalRun.slot == _WAITS, ProposalRun.due_at <= now)
                .where((ProposalRun.claimed_until.is_(None)) | (ProposalRun.claimed_until < now))
                .with_for_update(skip_locked=True)
            )
            run = session.scalar(due)
            if run is None:
                return None
            run.claimed_until = now + CLAIM
            return Task(run.id, partial(look, self._database.url, now, self._quarantine))

    def renew(self, id_: str) -> None:
        self._change(id_, claimed_until=self._clock.now() + CLAIM)

    def release(self, id_: str) -> None:
        self._change(id_, claimed_until=None)

    def record(self, id_: str, outcome: Look) -> None:
        with self._database.transaction() as session:
            _write(session, id_, outcome)

    def fail(self, id_: str) -> None:
        """It is tried again later: what killed it may still be there."""
        self._change(id_, claimed_until=None, due_at=self._clock.now() + _AGAIN_AFTER)

    def _change(self, id_: str, **columns: Any) -> None:
        mine = update(ProposalRun).where(ProposalRun.id == id_, ProposalRun.slot == _WAITS)
        with self._database.transaction() as session:
            session.execute(mine.values(**columns))

    def decide(self, session: Session, proposal: StoredProposal, action: str, by: str) -> StoredProposal:
        """As `decisions.decide`."""
        return decide(session, self._clock, proposal, action, by, self._quarantine)

    def quarantine_until(self, now: datetime) -> datetime:
        """When a number that was shown would reach its new office, were it to move now."""
        return now + self._quarantine

    def _plan_ahead(self, session: Session) -> None:
        """The first run of an installation is due at once, each further one a day after the one before."""
        now = self._clock.now()
        last = session.scalar(select(func.max(ProposalRun.done_at)))
        if session.scalar(select(ProposalRun.id).where(ProposalRun.slot == _WAITS)):
            return
        values = {"id": new_id("prn"), "slot": _WAITS, "due_at": last + _DAILY if last else now, "created_at": now}
        session.execute(self._database.insert_if_new(ProposalRun, ["slot"]).values(**values))


def look(url: str, now: datetime, quarantine: timedelta) -> Look:
    """At the log in the database at `url`; of many offices it takes a minute. Raises Unavailable."""
    with reading_apart(url) as session:
        seen, curves, declined = portal(session, now), learnt_curves(session), _declined(session, now)
    if seen.days < SEEN_DAYS_AT_LEAST:
        return Look(now, seen, [])
    return Look(now, seen, propose(seen.offices, curves, quarantine.total_seconds() / MONTH_SECONDS, declined))


def _declined(session: Session, now: datetime) -> set[Key]:
    dismissed = StoredProposal.state == ProposalState.DISMISSED, StoredProposal.decided_at > now - _DECLINED_FOR
    return {each.key for each in session.scalars(select(StoredProposal).where(*dismissed))}


def _write(session: Session, run_id: str, found: Look) -> None:
    """Proposals that stand already stay the same rows; those that nobody would make any more are outdated."""
    now, seen = found.at, found.seen
    if not _finish(session, run_id, found):
        return
    proposed = StoredProposal.state == ProposalState.PROPOSED
    rows = session.scalars(select(StoredProposal).where(proposed))
    standing = {_same(each.key, each.source_class, each.number_ids): each.id for each in rows}
    # While the log was looked at.
    decided = {each.key for each in session.scalars(select(StoredProposal).where(StoredProposal.decided_at > now))}
    for place, proposal in enumerate(found.proposals):
        columns = {**_columns(proposal, seen), "run_id": run_id, "listed_at": now - timedelta(microseconds=place)}
        known = standing.pop(_same(proposal.key, proposal.source_class, proposal.numbers), None)
        if known is None and proposal.key not in decided:
            state = ProposalState.PROPOSED
            session.add(StoredProposal(id=new_id("prp"), state=state, created_at=now, **columns))
        elif known is not None:
            session.execute(update(StoredProposal).where(StoredProposal.id == known, proposed).values(**columns))
    expired = update(StoredProposal).where(StoredProposal.id.in_(standing.values()), proposed)
    session.execute(expired.values(state=after(ProposalState.PROPOSED, "expire")))


def _finish(session: Session, run_id: str, found: Look) -> bool:
    """Whether the run still waited. Where somebody has asked since this look began, it waits for another one."""
    mine = update(ProposalRun).where(ProposalRun.id == run_id, ProposalRun.slot == _WAITS)
    figures = {"done_at": found.at, "days": found.seen.days, "reveals": found.seen.reveals}
    done = mine.where(ProposalRun.due_at <= found.at).values(slot=None, **figures)
    once_more = mine.values(claimed_until=None)
    return any(session.execute(each.returning(ProposalRun.id)).all() for each in (done, once_more))


def _same(key: Key, source_class: str | None, numbers: Sequence[str]) -> Key:
    """By which a proposal is the very one that stands already."""
    return (*key, source_class or "", *numbers)


def _columns(proposal: Proposal, seen: Portal) -> dict[str, Any]:
    price = seen.prices.get(proposal.office) if proposal.kind is Kind.BUY else None
    return {
        "kind": proposal.kind,
        "office_id": proposal.office,
        "from_office_id": proposal.from_office,
        "number_ids": list(proposal.numbers),
        "count": proposal.count,
        "source_class": proposal.source_class,
        "at_once": proposal.at_once,
        "owned": proposal.owned,
        "gain": _figures(proposal.gain),
        "loses_meanwhile": _figures(proposal.loses_meanwhile) if proposal.loses_meanwhile else None,
        "monthly_cost": price.times(proposal.count).as_kept() if price else None,
    }


def _figures(gain: Gain) -> dict[str, float]:
    points = in_points(gain)
    return {
        "answers": round(gain.answers, 1),
        "answers_low": round(gain.low, 1),
        "answers_high": round(gain.high, 1),
        "source_calls": round(gain.source, 1),
        "session_calls": round(gain.session, 1),
        "source_points": round(points.source, 2),
        "session_points": round(points.session, 2),
        "calls": round(gain.calls, 1),
    }
