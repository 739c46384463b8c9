"""A number's life: an enum and a literal table of transitions. Pure logic."""

from __future__ import annotations

from enum import StrEnum


class NumberState(StrEnum):
    """Only an active number is leased. In quarantine it waits, with its old owner, until a move is complete."""

    ACTIVE = "active"
    QUARANTINE = "quarantine"
    RETIRED = "retired"


# `move` names another office as the next one, and begins the quarantine anew; `complete` is the one that changes the
# owner, `cancel` leaves everything as it was. A retired number stays retired.
TRANSITIONS: dict[tuple[NumberState, str], NumberState] = {
    (NumberState.ACTIVE, "move"): NumberState.QUARANTINE,
    (NumberState.ACTIVE, "retire"): NumberState.RETIRED,
    (NumberState.QUARANTINE, "move"): NumberState.QUARANTINE,
    (NumberState.QUARANTINE, "cancel"): NumberState.ACTIVE,
    (NumberState.QUARANTINE, "complete"): NumberState.ACTIVE,
    (NumberState.QUARANTINE, "retire"): NumberState.RETIRED,
    (NumberState.RETIRED, "retire"): NumberState.RETIRED,
}
ACTIONS = ("move", "cancel", "complete", "retire")


def after(state: NumberState, action: str) -> NumberState | None:
    """The state that follows, None where the action is not allowed."""
    return TRANSITIONS.get((state, action))
