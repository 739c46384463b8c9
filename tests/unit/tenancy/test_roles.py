"""Who may do what, written down a second time so that a slip of the pen is seen."""

import pytest

from callease.base.errors import Forbidden, NotFound
from callease.tenancy.roles import PERMISSIONS, READ, WRITE, Role, may
from callease.tenancy.wall import Principal

# owner, manager, operator, advertiser, moderator: W may change, r may read, - may not know of it.
TABLE = {
    "sites": "W W r - r",
    "advertisers": "W W r r r",
    "offices": "W W r r r",
    "listings": "W W r r r",
    "listing-imports": "W W - - -",
    "numbers": "W W r r -",
    "number-imports": "W W - - -",
    "proposals": "W W r - -",
    "proposal-runs": "W W r - -",
    "telephony-accounts": "W r - - -",
    "tokens": "W - - - -",
    "users": "W r - - -",
    "webhook-endpoints": "W W - W -",
    "deliveries": "W W - W -",
    "sizings": "W W - - -",
    "calls": "r r r r r",
    "contacts": "W W W W r",
    "leads": "W W W W r",
}
CELLS = [
    (resource, role, letter)
    for resource, letters in TABLE.items()
    for role, letter in zip(Role, letters.split(), strict=True)
]


def test_every_resource_stands_in_the_table() -> None:
    assert set(TABLE) == set(PERMISSIONS)


@pytest.mark.parametrize(("resource", "role", "letter"), CELLS)
def test_what_a_role_may(resource: str, role: Role, letter: str) -> None:
    assert may(role, READ, resource) is (letter in "rW")
    assert may(role, WRITE, resource) is (letter == "W")


@pytest.mark.parametrize(("resource", "role", "letter"), CELLS)
def test_what_a_role_is_told(resource: str, role: Role, letter: str) -> None:
    """403 for what it may see and not do, 404 for what it may not know of."""
    who = Principal("usr_1", role, "adv_1" if role is Role.ADVERTISER else None)
    if letter == "W":
        who.require(WRITE, resource)
    else:
        with pytest.raises(Forbidden if letter == "r" else NotFound):
            who.require(WRITE, resource)
    if letter == "-":
        with pytest.raises(NotFound):
            who.require(READ, resource)
    else:
        who.require(READ, resource)


def test_only_writers_write_what_can_be_read() -> None:
    for of_resource in PERMISSIONS.values():
        assert all(READ in allowed for allowed in of_resource.values())


class TestAdvertiserOfANewRow:
    walled = Principal("tok_1", Role.ADVERTISER, "adv_1")
    free = Principal("tok_2", Role.MANAGER, None)

    def test_behind_the_wall_it_is_ones_own(self) -> None:
        assert self.walled.advertiser_for_new(None) == "adv_1"
        assert self.walled.advertiser_for_new("adv_1") == "adv_1"
        with pytest.raises(NotFound):
            self.walled.advertiser_for_new("adv_2")

    def test_in_front_of_it_whosever_is_wanted(self) -> None:
        assert self.free.advertiser_for_new(None) is None
        assert self.free.advertiser_for_new("adv_2") == "adv_2"
