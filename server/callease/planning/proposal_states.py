"""A proposal's life: an enum and a literal table of transitions. Pure logic."""

from __future__ import annotations

from enum import StrEnum


class ProposalState(StrEnum):
    """A purchase is approved until the numbers are there; a move or a split is done in the moment of its approval."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DISMISSED = "dismissed"
    DONE = "done"
    OUTDATED = "outdated"


TRANSITIONS: dict[tuple[ProposalState, str], ProposalState] = {
    (ProposalState.PROPOSED, "approve"): ProposalState.APPROVED,
    (ProposalState.PROPOSED, "dismiss"): ProposalState.DISMISSED,
    (ProposalState.PROPOSED, "expire"): ProposalState.OUTDATED,
    (ProposalState.APPROVED, "complete"): ProposalState.DONE,
    (ProposalState.APPROVED, "dismiss"): ProposalState.DISMISSED,
    (ProposalState.APPROVED, "expire"): ProposalState.OUTDATED,
}
ACTIONS = ("approve", "dismiss")
"""Those of people; the others are the planner's own."""


def after(state: ProposalState, action: str) -> ProposalState | None:
    """The state that follows, None where the action is not allowed."""
    return TRANSITIONS.get((state, action))
