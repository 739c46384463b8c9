"""The wall between advertisers, for every operation of the OpenAPI document.

Nothing here is a list of chosen endpoints: operations are read from the installation's own document, and one that these
tests do not know how to ask makes them fail.
"""

from typing import Any

import pytest

from callease.base.clock import SetClock
from callease.tenancy.roles import PERMISSIONS, READ, Role, may
from callease.web.services import Services
from tests.contract.conftest import Operation, delivered_once, refused
from tests.factories import Cast
from tests.support.http import Answer, Api
from tests.support.planning import ENOUGH_FOR_A_PROPOSAL, Desk

Row = dict[str, Any]


class Portal:
    """The cast with something of everything on either side of the wall between Alatau and Saryarka."""

    def __init__(self, cast: Cast, parts: Services, clock: SetClock) -> None:
        self.cast = cast
        for advertiser, listing in ((cast.alatau, "ZHK-1001"), (cast.saryarka, "ZHK-2001")):
            delivered_once(cast, parts, clock, advertiser)
            cast.telephone.call(cast.page().reveal(listing, visitor="v").json["number"], f"+7701555{listing[-4:]}")
            cast.user("advertiser", advertiser)
            cast.token("advertiser", advertiser)
        cast.api.post("/sizings", {"site": cast.site["id"]})
        desk = Desk(cast, parts.database, clock, parts.planner)
        for office in (cast.alatau_sales, cast.saryarka_sales):
            desk.seen(office, office.numbers[0][1], **ENOUGH_FOR_A_PROPOSAL)
        desk.look()
        self.alatau = self._rows_of(cast.alatau["id"])
        self.saryarka = self._rows_of(cast.saryarka["id"])

    def _rows_of(self, advertiser: str) -> dict[str, list[Row]]:
        """Everything of one advertiser, by resource; resources that are nobody's stand there too."""
        offices = {each["id"] for each in self.cast.api.all(f"/offices?advertiser={advertiser}")}
        endpoints = {each["id"] for each in self.cast.api.all(f"/webhook-endpoints?advertiser={advertiser}")}

        def belongs(row: Row) -> bool:
            if "office" in row and "advertiser" not in row:
                return row["office"] in offices
            if "endpoint" in row:
                return row["endpoint"] in endpoints
            return bool(row.get("advertiser", advertiser) == advertiser)

        rows = {name: [row for row in self.cast.api.all(f"/{name}") if belongs(row)] for name in self.lists()}
        rows["advertisers"] = [row for row in rows["advertisers"] if row["id"] == advertiser]
        return rows

    @staticmethod
    def lists() -> list[str]:
        return [name for name in PERMISSIONS if not name.endswith("-imports")]

    def everything(self) -> dict[str, list[Row]]:
        return {name: self.cast.api.all(f"/{name}") for name in self.lists()}

    def addresses(self, operation: Operation, rows: dict[str, list[Row]]) -> list[str]:
        """The operation's path for a row of `rows`, once for every value that a parameter may have."""
        paths = [operation.path]
        for parameter in operation.parameters:
            if parameter["in"] != "path":
                continue
            paths = [
                path.replace(f"{{{parameter['name']}}}", value)
                for path in paths
                for value in self._values(operation, parameter, rows)
            ]
        return paths

    def _values(self, operation: Operation, parameter: Row, rows: dict[str, list[Row]]) -> list[str]:
        if "enum" in parameter["schema"]:
            return list(parameter["schema"]["enum"])
        listing = rows["listings"][0]
        known = {
            "id": rows[operation.resource][0]["id"],
            "site": listing["site"],
            "external_id": listing["external_id"],
        }
        assert parameter["name"] in known, f"{operation}: the wall does not know what {parameter['name']} is"
        return [known[parameter["name"]]]


@pytest.fixture
def portal(cast: Cast, parts: Services, clock: SetClock) -> Portal:
    return Portal(cast, parts, clock)


def harmless_body(operation: Operation, rows: dict[str, list[Row]]) -> Any:
    """A body that changes nothing by itself, and is of the right form where that is possible."""
    if operation.method == "put":
        written = ("title", "advertiser", "office", "url", "phone", "status")
        return {name: value for name, value in rows["listings"][0].items() if name in written}
    return None if operation.method in ("get", "delete") else {}


def ask(api: Api, operation: Operation, path: str, body: Any) -> Answer:
    return api.ask(operation.method.upper(), path, body)


# Every POST that makes something: bodies that name something of Alatau's. One resource may take several.
def naming_foreign(cast: Cast, foreign: dict[str, list[Row]]) -> dict[str, list[Any]]:
    advertiser, office, listing = cast.alatau["id"], cast.alatau_sales.id, foreign["listings"][0]
    own_listing = {"site": cast.site["id"], "external_id": "NEW-1", "title": "x"}
    number = {"e164": "+77172699999", "office": office}
    return {
        "/sites": [{"name": "x"}],
        "/advertisers": [{"name": "x", "external_id": cast.alatau["external_id"]}],
        "/offices": [
            {"name": "x", "advertiser": advertiser},
            {"name": "x", "advertiser": cast.saryarka["id"], "overflow_office": office},
        ],
        "/listings": [
            {**own_listing, "advertiser": advertiser},
            {**own_listing, "advertiser": cast.saryarka["id"], "office": office},
            {**own_listing, "advertiser": cast.saryarka["id"], "external_id": listing["external_id"]},
        ],
        "/listing-imports": [
            [{**own_listing, "advertiser": advertiser}],
            {"site": cast.site["id"], "missing": "close", "rows": []},
        ],
        "/numbers": [number],
        "/number-imports": [[number]],
        "/sizings": [{"site": cast.site["id"]}],
        "/telephony-accounts": [{"provider": "generic", "name": "x"}],
        "/tokens": [{"name": "x", "role": "advertiser", "advertiser": advertiser}, {"name": "x", "role": "owner"}],
        "/users": [{"email": "x@bosaga.kz", "role": "advertiser", "advertiser": advertiser, "password": "long enough"}],
        "/webhook-endpoints": [{"url": "https://crm.example.kz/", "advertiser": advertiser}],
        "/proposal-runs": [{}],
    }


def test_every_operation_can_be_asked(operations: list[Operation], portal: Portal) -> None:
    """Fails for a new operation until the wall covers it."""
    creations = naming_foreign(portal.cast, portal.alatau)
    for operation in operations:
        assert operation.resource in PERMISSIONS, f"{operation}: no permissions for {operation.resource}"
        if operation.in_path:
            assert portal.addresses(operation, portal.alatau)
        elif operation.method == "get":
            assert operation.resource in portal.lists(), f"{operation}: is it a list?"
        else:
            assert operation.method == "post", f"{operation}: unknown kind of operation"
            assert operation.path in creations, f"{operation}: what would a foreign reference be?"


def test_both_sides_have_something_of_everything(portal: Portal) -> None:
    """Else the tests below would prove nothing."""
    for side in (portal.alatau, portal.saryarka):
        assert all(side.values()), {name for name, rows in side.items() if not rows}
    nobodys = {"sites", "sizings", "telephony-accounts", "proposal-runs"}
    assert not [
        name
        for name in portal.lists()
        if name not in nobodys and {r["id"] for r in portal.alatau[name]} & {r["id"] for r in portal.saryarka[name]}
    ]


def test_another_advertisers_row_is_not_there(operations: list[Operation], portal: Portal) -> None:
    stranger = portal.cast.api_of("advertiser", portal.cast.saryarka)
    before = portal.everything()
    asked = 0
    for operation in operations:
        for path in portal.addresses(operation, portal.alatau) if operation.in_path else []:
            answer = ask(stranger, operation, path, harmless_body(operation, portal.alatau))
            assert answer.status == 404, f"{operation}: {answer.status} {answer.body.decode()}"
            refused(answer, 404, answer.json["code"])
            asked += 1
    assert asked >= 30
    assert portal.everything() == before


def test_what_is_not_there_and_what_is_not_yours_look_the_same(operations: list[Operation], portal: Portal) -> None:
    stranger = portal.cast.api_of("advertiser", portal.cast.saryarka)
    for operation in operations:
        if "id" not in operation.in_path:
            continue
        body = harmless_body(operation, portal.alatau)
        for path in portal.addresses(operation, portal.alatau):
            foreign = portal.alatau[operation.resource][0]["id"]
            there, nowhere = (
                ask(stranger, operation, each, body) for each in (path, path.replace(foreign, "nowhere_1"))
            )
            assert (there.status, there.body) == (nowhere.status, nowhere.body), str(operation)


def test_ones_own_rows_are_there(operations: list[Operation], portal: Portal) -> None:
    """The other side of the same operations: a wall that stops everybody would be of no use."""
    own = portal.cast.api_of("advertiser", portal.cast.saryarka)
    seen = 0
    for operation in operations:
        if operation.in_path and operation.method == "get" and may(Role.ADVERTISER, READ, operation.resource):
            for path in portal.addresses(operation, portal.saryarka):
                assert ask(own, operation, path, None).status == 200, path
                seen += 1
    assert seen >= 8


def test_lists_hold_ones_own_rows_and_no_others(operations: list[Operation], portal: Portal) -> None:
    own = portal.cast.api_of("advertiser", portal.cast.saryarka)
    for operation in operations:
        if operation.in_path or operation.method != "get":
            continue
        if not may(Role.ADVERTISER, READ, operation.resource):
            refused(ask(own, operation, operation.path, None), 404, "not_found")
            continue
        ids = {row["id"] for row in own.all(operation.path)}
        assert ids == {row["id"] for row in portal.saryarka[operation.resource]}, str(operation)


def test_no_filter_leads_around_the_wall(operations: list[Operation], portal: Portal) -> None:
    own = portal.cast.api_of("advertiser", portal.cast.saryarka)
    for operation in operations:
        if operation.in_path or operation.method != "get" or not may(Role.ADVERTISER, READ, operation.resource):
            continue
        mine = {row["id"] for row in portal.saryarka[operation.resource]}
        for name in [each["name"] for each in operation.parameters if each["name"] not in ("limit", "cursor")]:
            for row in portal.alatau[operation.resource]:
                found = own.get(f"{operation.path}?{name}={str(row.get(name)).replace('+', '%2B')}")["data"]
                assert {each["id"] for each in found} <= mine, f"{operation}?{name}={row.get(name)}"


def test_nothing_is_made_that_names_what_is_not_yours(operations: list[Operation], portal: Portal) -> None:
    stranger = portal.cast.api_of("advertiser", portal.cast.saryarka)
    creations = naming_foreign(portal.cast, portal.alatau)
    before = portal.everything()
    for operation in operations:
        if operation.in_path or operation.method != "post":
            continue
        for body in creations[operation.path]:
            answer = ask(stranger, operation, operation.path, body)
            assert answer.status in (400, 403, 404), f"{operation}: {answer.status} {answer.body.decode()}"
            refused(answer, answer.status, answer.json["code"])
    assert portal.everything() == before


def test_ones_own_row_cannot_be_moved_to_somebody_else(operations: list[Operation], portal: Portal) -> None:
    own = portal.cast.api_of("advertiser", portal.cast.saryarka)
    foreign = {"advertiser": portal.cast.alatau["id"], "office": portal.cast.alatau_sales.id}
    before = portal.everything()
    changes = [each for each in operations if each.method == "patch"]
    for operation in changes:
        for path in portal.addresses(operation, portal.saryarka):
            for name, value in foreign.items():
                answer = own.ask("PATCH", path, {name: value})
                # 200 where the field is read only: it is not looked at.
                assert answer.status in (200, 400, 403, 404), f"{operation} {name}: {answer.status}"
    assert changes
    assert portal.everything() == before


def test_an_endpoint_behind_the_wall_is_ones_own_whatever_is_asked(portal: Portal) -> None:
    own = portal.cast.api_of("advertiser", portal.cast.saryarka)
    made = own.post("/webhook-endpoints", {"url": "https://crm.example.kz/", "advertiser": None})
    assert made["advertiser"] == portal.cast.saryarka["id"]
    assert (
        own.patch(f"/webhook-endpoints/{made['id']}", {"advertiser": None})["advertiser"] == portal.cast.saryarka["id"]
    )


NO_TOKENS = [
    None, "", "Bearer", "Bearer ", "Bearer nonsense", "Bearer clt_0000", "Basic dXNlcjpwYXNz", "Bearer {retired}",
    "{valid}", "Token {valid}", "Bearer {valid}x", "Bearer x {valid}",
]  # fmt: skip


def test_without_a_token_nothing_answers(operations: list[Operation], portal: Portal) -> None:
    valid = portal.cast.api.post("/tokens", {"name": "valid", "role": "owner"})["token"]
    retired = portal.cast.api.post("/tokens", {"name": "retired", "role": "owner"})
    portal.cast.api.delete(f"/tokens/{retired['id']}")
    nobody = portal.cast.api.holding(None)
    for text in NO_TOKENS:
        given = None if text is None else text.replace("{valid}", valid).replace("{retired}", retired["token"])
        headers = {} if given is None else {"Authorization": given}
        for operation in operations:
            for path in portal.addresses(operation, portal.alatau):
                answer = nobody.ask(operation.method.upper(), path, harmless_body(operation, portal.alatau), headers)
                refused(answer, 401, "unauthenticated")
                assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_roles_do_what_the_table_says(operations: list[Operation], portal: Portal, role: Role) -> None:
    """403 for what a role may see and not do, 404 for what it may not see."""
    side = portal.saryarka if role is Role.ADVERTISER else portal.alatau
    api = portal.cast.api_of(role, portal.cast.saryarka if role is Role.ADVERTISER else None)
    before = portal.everything()
    for operation in operations:
        action = "read" if operation.method == "get" else "write"
        allowed = PERMISSIONS[operation.resource].get(role, frozenset())
        if action == "write" and action in allowed:
            continue  # what is allowed changes something: other tests do it
        for path in portal.addresses(operation, side):
            answer = ask(api, operation, path, harmless_body(operation, side))
            if action in allowed:
                assert answer.status == 200, f"{operation}: {answer.status} {answer.body.decode()}"
            elif allowed:
                refused(answer, 403, "forbidden")
            else:
                refused(answer, 404, "not_found")
    assert portal.everything() == before


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OPERATOR, Role.MODERATOR])
def test_who_is_not_behind_the_wall_sees_both_sides(portal: Portal, role: Role) -> None:
    api = portal.cast.api_of(role)
    for name in portal.lists():
        if may(role, READ, name):
            expected = {row["id"] for side in (portal.alatau, portal.saryarka) for row in side[name]}
            assert {row["id"] for row in api.all(f"/{name}")} >= expected, name
