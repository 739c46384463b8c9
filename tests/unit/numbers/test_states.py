"""A number's life: every state and every action, and whatever may follow on each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.states import ACTIONS, TRANSITIONS, NumberState, after

ACTIVE, QUARANTINE, RETIRED = NumberState.ACTIVE, NumberState.QUARANTINE, NumberState.RETIRED

TABLE = {
    (ACTIVE, "move"): QUARANTINE,
    (ACTIVE, "cancel"): None,
    (ACTIVE, "complete"): None,
    (ACTIVE, "retire"): RETIRED,
    (QUARANTINE, "move"): QUARANTINE,
    (QUARANTINE, "cancel"): ACTIVE,
    (QUARANTINE, "complete"): ACTIVE,
    (QUARANTINE, "retire"): RETIRED,
    (RETIRED, "move"): None,
    (RETIRED, "cancel"): None,
    (RETIRED, "complete"): None,
    (RETIRED, "retire"): RETIRED,
}


def test_the_table_covers_every_state_and_action() -> None:
    assert set(TABLE) == {(state, action) for state in NumberState for action in ACTIONS}


@pytest.mark.parametrize(("state", "action"), TABLE)
def test_every_transition(state: NumberState, action: str) -> None:
    assert after(state, action) == TRANSITIONS.get((state, action)) == TABLE[state, action]


@given(st.lists(st.sampled_from(ACTIONS)))
def test_whatever_is_asked_no_move_is_complete_that_was_not_begun_and_a_retired_number_stays_so(
    actions: list[str],
) -> None:
    state, moving, retired = ACTIVE, False, False
    for action in actions:
        state_after = after(state, action)
        if state_after is None:
            continue
        assert not (retired and state_after != RETIRED)
        assert action not in ("complete", "cancel") or moving
        moving = action == "move"
        retired = retired or action == "retire"
        state = state_after
        assert (state == QUARANTINE) == moving
        assert (state == RETIRED) == retired
