"""Health, metrics and the way to the base address: contract sections 5 and 7."""

import re

import pytest

from callease.base.redis import RedisStore
from callease.web.services import Services
from tests.factories import Cast
from tests.support.http import InProcess
from tests.support.installation import Installation


def test_healthz(http: InProcess) -> None:
    answer = http("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_readyz_of_a_server_with_all_its_parts(server: Installation) -> None:
    answer = server.http("GET", "/readyz")
    assert (answer.status, answer.json) == (200, {"status": "ok", "down": []})


def test_readyz_names_what_is_down(
    http: InProcess, parts: Services, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    parts.redis.client.delete("callease:worker")
    answer = http("GET", "/readyz")
    assert (answer.status, answer.json["down"]) == (503, ["worker"])
    monkeypatch.setattr(parts.redis, "client", RedisStore("unix:///nowhere/redis.sock").client)
    assert http("GET", "/readyz").json["down"] == ["redis"]
    assert http("GET", "/healthz").status == 200


def test_metrics_are_of_callease_and_count(http: InProcess, cast: Cast) -> None:
    def leases() -> float:
        found = re.search(
            r'^callease_leases_total\{kind="dynamic"\} ([\d.]+)$', http("GET", "/metrics").body.decode(), re.M
        )
        return float(found[1]) if found else 0.0

    before = leases()
    cast.page().reveal("ZHK-1001", visitor="v")
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    answer = http("GET", "/metrics")
    assert leases() == before + 1
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    names = set(re.findall(r"^# TYPE (\S+)", answer.body.decode(), re.M))
    assert {"callease_leases_total", "callease_call_events_total", "callease_routes_total"} <= names
    own = {name for name in names if not name.startswith(("python_", "process_"))}
    assert all(name.startswith("callease_") for name in own)


def test_metrics_of_a_real_server_begin_with_its_name(server: Installation, server_cast: Cast) -> None:
    server_cast.page().reveal("ZHK-1001", visitor="of metrics")
    names = re.findall(r"^# TYPE (\S+)", server.http("GET", "/metrics").body.decode(), re.M)
    assert names
    assert all(name.startswith("callease_") for name in names)


def test_metrics_tell_no_phone_and_no_secret(http: InProcess, cast: Cast) -> None:
    cast.telephone.call(cast.page().reveal("ZHK-1001", visitor="v").json["number"])
    text = http("GET", "/metrics").body.decode()
    numbers = {e164 for office in cast.offices for e164 in office.e164s}
    for secret in ("+77011234567", *numbers, cast.site["key"], cast.account["token"]):
        assert secret.removeprefix("+") not in text


class TestWellKnown:
    def test_the_base_is_as_the_request_was_addressed(self, http: InProcess) -> None:
        assert http("GET", "/.well-known/callease").json == {"base": "http://localhost/c"}
        assert http("GET", "/.well-known/callease", {"Host": "calls.kz:8443"}).json == {
            "base": "http://calls.kz:8443/c"
        }

    def test_nobody_but_a_trusted_proxy_says_otherwise(self, http: InProcess) -> None:
        forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
        assert http("GET", "/.well-known/callease", forged).json == {"base": "http://localhost/c"}


class TestWithAPublicAddress:
    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        return environment | {"CALLEASE_PUBLIC_URL": "https://calls.example.kz", "CALLEASE_PUBLIC_PREFIX": "/calls/in"}

    def test_everything_is_there_and_says_so(self, http: InProcess, owner_token: str) -> None:
        assert http("GET", "/.well-known/callease").json == {"base": "https://calls.example.kz/calls/in"}
        about = http("GET", "/calls/in/v1.json").json
        assert about["url"].startswith("https://calls.example.kz/calls/in/v1.")
        assert http("GET", "/calls/in/v1.js").status == 200
        assert http("GET", "/c/v1.js").status == 404


class TestBehindAProxy:
    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        return environment | {"CALLEASE_TRUSTED_PROXIES": "127.0.0.1"}

    def test_its_word_is_taken(self, http: InProcess) -> None:
        told = {"X-Forwarded-Host": "calls.example.kz", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}
        assert http("GET", "/.well-known/callease", told).json == {"base": "https://calls.example.kz/c"}
