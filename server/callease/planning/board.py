"""The proposals as a page shows them: with names and digits, in the groups in which people decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.catalog.models import Office
from callease.numbers.models import Number
from callease.planning.models import ProposalRun, StoredProposal
from callease.planning.planner import SEEN_DAYS_AT_LEAST
from callease.planning.proposal_states import ProposalState
from callease.planning.proposals import Kind

_SHOWN_AT_MOST = 40


@dataclass(frozen=True)
class Card:
    """`numbers`: digits. `from_office` is None but for moves."""

    proposal: StoredProposal
    office: str
    from_office: str | None
    numbers: Sequence[str]


@dataclass(frozen=True)
class Board:
    """`last`: the newest run that is done, None before there was one. `asked`: a run waits that is due.

    `more`: how many proposals there are beyond those shown.
    """

    last: ProposalRun | None
    asked: bool
    free: Sequence[Card]
    purchases: Sequence[Card]
    awaited: Sequence[Card]
    more: int

    @property
    def has_seen_enough(self) -> bool:
        return self.last is not None and (self.last.days or 0.0) >= SEEN_DAYS_AT_LEAST


def board(session: Session, now: datetime) -> Board:
    last = session.scalar(
        select(ProposalRun).where(ProposalRun.done_at.is_not(None)).order_by(ProposalRun.done_at.desc()).limit(1)
    )
    asked = session.scalar(select(ProposalRun.id).where(ProposalRun.slot.is_not(None), ProposalRun.due_at <= now))
    proposed = _cards(session, ProposalState.PROPOSED)
    shown = proposed[:_SHOWN_AT_MOST]
    return Board(
        last=last,
        asked=asked is not None,
        free=[card for card in shown if card.proposal.kind != Kind.BUY],
        purchases=[card for card in shown if card.proposal.kind == Kind.BUY],
        awaited=_cards(session, ProposalState.APPROVED),
        more=len(proposed) - len(shown),
    )


def _cards(session: Session, state: ProposalState) -> list[Card]:
    query = select(StoredProposal).where(StoredProposal.state == state)
    proposals = session.scalars(query.order_by(StoredProposal.listed_at.desc(), StoredProposal.id.desc())).all()
    offices = {each.office_id for each in proposals} | {each.from_office_id for each in proposals}
    names = dict(session.execute(select(Office.id, Office.name).where(Office.id.in_(offices))).all())
    ids = {id_ for each in proposals for id_ in each.number_ids}
    digits = dict(session.execute(select(Number.id, Number.e164).where(Number.id.in_(ids))).all())
    return [
        Card(
            each, names[each.office_id], names.get(each.from_office_id or ""), [digits[id_] for id_ in each.number_ids]
        )
        for each in proposals
    ]
