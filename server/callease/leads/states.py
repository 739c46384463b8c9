"""A lead's life: an enum and a literal table of transitions. Pure logic."""

from __future__ import annotations

from enum import StrEnum


class LeadStatus(StrEnum):
    NEW = "new"
    CLAIMED = "claimed"
    CLOSED = "closed"


TRANSITIONS: dict[tuple[LeadStatus, str], LeadStatus] = {
    (LeadStatus.NEW, "claim"): LeadStatus.CLAIMED,
    (LeadStatus.NEW, "close"): LeadStatus.CLOSED,
    (LeadStatus.CLAIMED, "release"): LeadStatus.NEW,
    (LeadStatus.CLAIMED, "close"): LeadStatus.CLOSED,
    (LeadStatus.CLOSED, "reopen"): LeadStatus.NEW,
}
ACTIONS = ("claim", "release", "close", "reopen")


def actions_from(status: LeadStatus) -> list[str]:
    return [action for action in ACTIONS if (status, action) in TRANSITIONS]


def action_towards(status: LeadStatus, wanted: LeadStatus) -> str | None:
    """The action that leads from one status to another in one step, None where there is none."""
    found = (action for (start, action), end in TRANSITIONS.items() if (start, end) == (status, wanted))
    return next(found, None)
