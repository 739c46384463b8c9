"""A lead's life: every status and every action."""

import pytest

from callease.leads.states import ACTIONS, TRANSITIONS, LeadStatus, action_towards, actions_from

NEW, CLAIMED, CLOSED = LeadStatus.NEW, LeadStatus.CLAIMED, LeadStatus.CLOSED

TABLE = {
    (NEW, "claim"): CLAIMED,
    (NEW, "release"): None,
    (NEW, "close"): CLOSED,
    (NEW, "reopen"): None,
    (CLAIMED, "claim"): None,
    (CLAIMED, "release"): NEW,
    (CLAIMED, "close"): CLOSED,
    (CLAIMED, "reopen"): None,
    (CLOSED, "claim"): None,
    (CLOSED, "release"): None,
    (CLOSED, "close"): None,
    (CLOSED, "reopen"): NEW,
}


def test_the_table_covers_every_status_and_action() -> None:
    assert set(TABLE) == {(status, action) for status in LeadStatus for action in ACTIONS}


@pytest.mark.parametrize(("status", "action"), TABLE)
def test_every_transition(status: LeadStatus, action: str) -> None:
    expected = TABLE[status, action]
    assert TRANSITIONS.get((status, action)) == expected
    assert (action in actions_from(status)) is (expected is not None)


@pytest.mark.parametrize("status", LeadStatus)
def test_no_status_is_a_dead_end_and_every_one_can_be_reached(status: LeadStatus) -> None:
    assert actions_from(status)
    assert status in TRANSITIONS.values()


@pytest.mark.parametrize(
    ("status", "wanted", "action"),
    [
        (NEW, CLAIMED, "claim"),
        (NEW, CLOSED, "close"),
        (CLAIMED, NEW, "release"),
        (CLAIMED, CLOSED, "close"),
        (CLOSED, NEW, "reopen"),
        (CLOSED, CLAIMED, None),
        (NEW, NEW, None),
    ],
)
def test_the_way_from_one_status_to_another(status: LeadStatus, wanted: LeadStatus, action: str | None) -> None:
    assert action_towards(status, wanted) == action
