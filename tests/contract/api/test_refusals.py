"""Whatever is sent, the answer is the contract's problem document and never a 5xx."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.conftest import Operation, refused
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.http import Api, InProcess

HOSTILE = [
    "\x00",
    "a\x00b",
    "\ud800",
    "😀" * 300,
    "x" * 100_000,
    "'; DROP TABLE leads; --",
    "{{7*7}}${7*7}<script>alert(1)</script>",
    "../../etc/passwd",
    "\u202e\u0000\uffff",
    "%00%0a%0d",
    "-1",
    "NaN",
]


UNKNOWN = [
    "/", "/nothing", "/api/v1/nothing", "/api/v2/sites", "/c/v1/nothing", "/c/nothing", "/api/v1/sites/", "/%00",
    "/api/v1/leads/%FF%FE", "/.env", "/c/v1/telephony", "/c/v2.js", "/c/v1.0.999.js", "/c/v1.x.0.js",
]  # fmt: skip


def test_an_unknown_path_is_a_problem_too(http: InProcess, owner_token: str) -> None:
    for path in UNKNOWN:
        answer = http("GET", path, {"Authorization": f"Bearer {owner_token}"})
        refused(answer, 404, "unknown_version" if path.endswith(".js") else "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/sites", {"GET", "POST", "HEAD", "OPTIONS"}),
        ("PUT", "/api/v1/leads", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/c/v1/leases", {"POST", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/c/v1.js", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(http: InProcess, method: str, path: str, allowed: set[str]) -> None:
    answer = http(method, path)
    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_every_problem_says_what_it_is(cast: Cast) -> None:
    """RFC 9457's members, and a title for people that is not the code."""
    for method, path, body, status in (
        ("POST", "/sites", {}, 400),
        ("GET", "/leads/lead_nowhere", None, 404),
        ("POST", "/numbers", {"e164": cast.alatau_sales.numbers[0][1], "office": cast.alatau_sales.id}, 409),
        ("DELETE", "/leads", None, 405),
    ):
        answer = cast.api.ask(method, path, body)
        problem = refused(answer, status, answer.json["code"])
        assert set(problem) >= {"type", "title", "status", "code"}
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    refused(api.ask("POST", "/sites", b"x" * (65 * 1024 * 1024)), 413, "body_too_large")


@on_both_databases
def test_hostile_values_in_every_field(cast: Cast, operations: list[Operation], document: dict[str, Any]) -> None:
    """Every field that the document names takes every hostile value, or refuses it."""
    asked = 0
    for operation in operations:
        content = operation.document.get("requestBody", {}).get("content", {}).get("application/json")
        if operation.in_path or not content or "$ref" not in content["schema"]:
            continue
        shape = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        for name in shape["properties"]:
            for value in [*HOSTILE, 10**30, -1, 1.5, True, None, [], {}, [[]], {"a": {"b": []}}, ["\x00"], [None]]:
                body = {**_whole(cast, operation.path, asked), name: value}
                answer = cast.api.ask("POST", operation.path, json.dumps(body).encode())
                assert answer.status in (201, 400, 404, 409), f"{operation} {name}={value!r:.40}: {answer.status}"
                if answer.status != 201:
                    refused(answer, answer.status, answer.json["code"])
                asked += 1
    assert asked > 500


def _whole(cast: Cast, path: str, number: int) -> dict[str, Any]:
    """A body that would do, and collides with none before it."""
    least = {
        "/sites": {"name": "x"},
        "/advertisers": {"name": "x"},
        "/offices": {"name": "x"},
        "/listings": {
            "site": cast.site["id"],
            "advertiser": cast.alatau["id"],
            "external_id": f"H-{number}",
            "title": "x",
        },
        "/numbers": {"e164": f"+7717280{number:04}", "office": cast.zhaina_sales.id},
        "/telephony-accounts": {"provider": "generic", "name": "x"},
        "/tokens": {"name": "x", "role": "operator"},
        "/users": {"email": f"h{number}@bosaga.kz", "role": "operator"},
        "/proposal-runs": {},
        "/sizings": {"site": cast.site["id"]},
        "/webhook-endpoints": {"url": "https://crm.example.kz/"},
    }
    return least[path]


@on_both_databases
def test_hostile_values_in_addresses(cast: Cast, operations: list[Operation]) -> None:
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    values = [quote(value, safe="", errors="surrogatepass") for value in HOSTILE if len(value) < 5_000]
    for operation in operations:
        queries = [each["name"] for each in operation.parameters if each["in"] == "query"]
        for value in values:
            path = operation.path
            for name in operation.in_path:
                path = path.replace(f"{{{name}}}", _action(operation) if name == "action" else value)
            for query in queries or [""]:
                answer = cast.api.ask(
                    operation.method.upper(), f"{path}?{query}={value}", b"{}" if operation.in_path else b""
                )
                assert answer.status in (200, 201, 400, 404, 409), f"{operation} {query}={value:.40}: {answer.status}"
                if answer.status >= 400:
                    refused(answer, answer.status, answer.json["code"])


def _action(operation: Operation) -> str:
    return {"leads": "claim", "proposals": "approve"}[operation.resource]


HOSTS = ["", "a b", "x:99999", "x:port", "[::1", "evil.example/path", "ы.example", "x" * 5_000]


def test_a_strange_host_breaks_nothing(http: InProcess, cast: Cast) -> None:
    route = cast.account["route_url"]
    for host in HOSTS:
        for address in ("/api/v1/telephony-accounts", "/.well-known/callease", "/c/v1.json", "/healthz", route):
            answer = http("GET", address, {"Host": host, "Authorization": f"Bearer {cast.token('owner')}"})
            assert answer.status < 500, f"{host:.20} {address}: {answer.status}"


def test_an_error_of_ours_gives_nothing_away(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail +77011234567")

    monkeypatch.setattr("callease.web.api.resource.page", explode)
    answer = cast.api.ask("GET", "/leads")
    refused(answer, 500, "internal_error")
    assert b"secret detail" not in answer.body
