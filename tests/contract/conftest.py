"""Contract tests ask over HTTP, in this process, and know of the code nothing but what the contract says."""

from dataclasses import dataclass
from typing import Any

import pytest

from callease.base.clock import SetClock
from callease.delivery.guarded_http import GuardedHttp
from callease.delivery.relay import Relay
from callease.web.services import Services
from tests.factories import Cast
from tests.support.http import Answer, InProcess

METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One method on one path of the OpenAPI document."""

    method: str
    path: str
    document: dict[str, Any]
    parameters: tuple[dict[str, Any], ...]

    @property
    def resource(self) -> str:
        """The first segment: what the permissions are about."""
        return self.path.split("/")[1]

    @property
    def in_path(self) -> list[str]:
        return [each["name"] for each in self.parameters if each["in"] == "path"]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


@pytest.fixture
def document(http: InProcess) -> dict[str, Any]:
    """The installation's own OpenAPI document."""
    answer = http("GET", "/api/v1/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


@pytest.fixture
def operations(document: dict[str, Any]) -> list[Operation]:
    found = [
        Operation(
            method,
            path.removeprefix("/api/v1"),
            item[method],
            (*item.get("parameters", []), *item[method].get("parameters", [])),
        )
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
    assert found
    return found


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer that must be one."""
    assert answer.status == status, f"{answer.status} {answer.body.decode(errors='replace')}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"]
    assert problem["title"]
    assert problem["title"] != code
    return problem


def delivered_once(cast: Cast, parts: Services, clock: SetClock, advertiser: dict[str, Any]) -> dict[str, Any]:
    """A delivery to an endpoint of `advertiser`, with one attempt behind it: nobody listens there."""
    endpoint = cast.api.post(
        "/webhook-endpoints",
        {"url": "http://127.0.0.1:9/hook", "advertiser": advertiser["id"], "events": ["lead.created"]},
    )
    listing = {cast.alatau["id"]: "ZHK-1001", cast.saryarka["id"]: "ZHK-2001"}[advertiser["id"]]
    cast.telephone.call(cast.page().reveal(listing, visitor="of a delivery").json["number"])
    relay = Relay(parts.database, clock, parts.box, GuardedHttp(["127.0.0.1"]))
    relay.fan_out()
    for parcel in relay.claim(10):
        relay.attempt(parcel)
    (delivery,) = cast.api.get(f"/deliveries?endpoint={endpoint['id']}")["data"]
    found: dict[str, Any] = delivery
    return found
