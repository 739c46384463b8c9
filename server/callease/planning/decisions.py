"""What people decide about proposals. Nothing moves unless somebody has approved it here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.errors import Conflict, NotFound
from callease.catalog import revisions
from callease.catalog.models import Office
from callease.numbers.models import Number
from callease.numbers.numbers import update_number, was_shown
from callease.numbers.states import NumberState
from callease.planning.models import StoredProposal
from callease.planning.portal import owned, to_be_bought
from callease.planning.proposal_states import ProposalState, after
from callease.planning.proposals import Kind


def find_proposal(session: Session, id_: str) -> StoredProposal:
    """Raises NotFound."""
    found = session.get(StoredProposal, id_)
    if found is None:
        raise NotFound()
    return found


def decide(
    session: Session, clock: Clock, proposal: StoredProposal, action: str, by: str, quarantine: timedelta
) -> StoredProposal:
    """Approves or dismisses. A move or a split that is approved is carried out, a purchase waits for its numbers.

    Where what it was proposed for is no longer so, the proposal is `outdated` and nothing else happens. Raises
    Conflict("proposal_moved_on") when somebody has decided already.
    """
    was_approved = proposal.state == ProposalState.APPROVED
    act(session, proposal, action, decided_by=by, decided_at=clock.now())
    numbers = _locked(session, proposal.number_ids)
    # The revision's lock keeps everybody else from changing numbers and offices until this is committed. It is taken
    # after the numbers' own, as wherever numbers are changed.
    revisions.changed(session, Number)
    if action == "dismiss":
        if was_approved:
            _count_without(session, proposal)
    elif not _is_still_so(session, proposal, numbers):
        act(session, proposal, "expire")
    elif proposal.kind == Kind.BUY:
        proposal.owned = _expected(session, proposal)
        session.flush()
    else:
        _carry_out(session, clock, proposal, numbers, quarantine)
        act(session, proposal, "complete")
    return proposal


def refuse_outdated(state: str) -> None:
    """After the commit that keeps it: raises Conflict("proposal_outdated") for what could not be approved any more."""
    if state == ProposalState.OUTDATED:
        raise Conflict("proposal_outdated")


def act(session: Session, proposal: StoredProposal, action: str, **values: Any) -> None:
    """Moves a proposal on. Raises Conflict("proposal_moved_on")."""
    seen = ProposalState(proposal.state)
    target = after(seen, action)
    if target is None:
        raise Conflict("proposal_moved_on", state=seen)
    moved = session.execute(
        update(StoredProposal)
        .where(StoredProposal.id == proposal.id, StoredProposal.state == seen)
        .values(state=target, **values)
        .returning(StoredProposal.id)
    ).all()
    if not moved:
        raise Conflict("proposal_moved_on")
    session.refresh(proposal)


def settle_purchases(session: Session) -> None:
    """A purchase is done when its numbers are there, and never will be when its office is retired."""
    waiting = select(StoredProposal).where(
        StoredProposal.kind == Kind.BUY, StoredProposal.state == ProposalState.APPROVED
    )
    for purchase in session.scalars(waiting.order_by(StoredProposal.id).with_for_update(skip_locked=True)):
        if not _are_in_business(session, [purchase.office_id]):
            act(session, purchase, "expire")
        elif owned(session, purchase.office_id) >= purchase.owned + purchase.count:
            act(session, purchase, "complete")


def _locked(session: Session, ids: Sequence[str]) -> list[Number]:
    query = select(Number).where(Number.id.in_(ids)).order_by(Number.id)
    return list(session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def _is_still_so(session: Session, proposal: StoredProposal, numbers: Sequence[Number]) -> bool:
    """Whether everything that the proposal rests on is as it was; what has only become rarer or dearer is."""
    owner_id = proposal.from_office_id or proposal.office_id
    if not _are_in_business(session, {proposal.office_id, owner_id}):
        return False
    if proposal.kind == Kind.BUY:
        return _expected(session, proposal) <= proposal.owned + _ahead_of_order(session, proposal)
    if len(numbers) != len(proposal.number_ids) or not all(_is_leased(number, owner_id) for number in numbers):
        return False
    if proposal.kind == Kind.MOVE:
        at_once = not any(was_shown(session, number) for number in numbers)
        return at_once == proposal.at_once and _leased_numbers(session, owner_id) > len(numbers)
    has_class = proposal.kind == Kind.UNSPLIT
    return all((number.source_class is not None) == has_class for number in numbers)


def _expected(session: Session, purchase: StoredProposal) -> int:
    """Numbers that the office has or gets without this purchase: it is done when there are so many more."""
    office_id = purchase.office_id
    return owned(session, office_id) + len(to_be_bought(session, office_id, but=purchase.id))


def _ahead_of_order(session: Session, purchase: StoredProposal) -> int:
    """By how many numbers its office is ahead of what was counted on because proposals are decided in another order.

    Of the same look: later purchases that are approved already, and numbers that are still to move away.
    """
    of_look = StoredProposal.run_id == purchase.run_id, StoredProposal.id != purchase.id
    bought = select(func.coalesce(func.sum(StoredProposal.count), 0)).where(
        *of_look,
        StoredProposal.kind == Kind.BUY,
        StoredProposal.office_id == purchase.office_id,
        StoredProposal.listed_at < purchase.listed_at,
        StoredProposal.state.in_((ProposalState.APPROVED, ProposalState.DONE)),
    )
    leaving = select(func.count()).where(
        *of_look,
        StoredProposal.kind == Kind.MOVE,
        StoredProposal.from_office_id == purchase.office_id,
        StoredProposal.state == ProposalState.PROPOSED,
    )
    return session.scalars(bought).one() + session.scalars(leaving).one()


def _count_without(session: Session, given_up: StoredProposal) -> None:
    """Purchases of the office that were approved after this one counted on its numbers."""
    missing = given_up.owned + given_up.count - owned(session, given_up.office_id)
    _count_on(session, given_up.office_id, -max(0, min(missing, given_up.count)), above=given_up.owned)


def _count_on(session: Session, office_id: str, more: int, above: int = -1) -> None:
    """So many numbers that the office has or gets are not those that its approved purchases wait for."""
    approved = (
        StoredProposal.kind == Kind.BUY,
        StoredProposal.state == ProposalState.APPROVED,
        StoredProposal.office_id == office_id,
        StoredProposal.owned > above,
    )
    session.execute(update(StoredProposal).where(*approved).values(owned=StoredProposal.owned + more))


def _is_leased(number: Number, owner_id: str) -> bool:
    return (number.office_id, number.state, number.role) == (owner_id, NumberState.ACTIVE, "lease")


def _leased_numbers(session: Session, office_id: str) -> int:
    leased = Number.office_id == office_id, Number.state == NumberState.ACTIVE, Number.role == "lease"
    return session.scalar(select(func.count()).select_from(Number).where(*leased)) or 0


def _are_in_business(session: Session, office_ids: Sequence[str] | set[str]) -> bool:
    living = select(func.count()).select_from(Office).where(Office.id.in_(office_ids), Office.retired_at.is_(None))
    return session.scalar(living) == len(office_ids)


def _carry_out(
    session: Session, clock: Clock, proposal: StoredProposal, numbers: Sequence[Number], quarantine: timedelta
) -> None:
    fields: dict[str, Any] = {"source_class": proposal.source_class}
    if proposal.kind == Kind.MOVE:
        fields["office_id"] = proposal.office_id
    for number in numbers:
        update_number(session, clock, number, fields, quarantine)
        proposal.quarantine_until = number.quarantine_until
    session.flush()
    if proposal.from_office_id is not None:
        _count_on(session, proposal.office_id, len(numbers))
        _count_on(session, proposal.from_office_id, -len(numbers))
