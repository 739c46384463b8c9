"""X-Forwarded-* from the operator's own proxies, and from nobody else."""

import ipaddress
from typing import Any

import pytest

from callease.web.proxies import TrustedProxies

OURS = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "2001:db8::/32", "127.0.0.1")]


def seen(peer: str, **headers: str) -> tuple[str, str, str | None]:
    """Address, scheme and host that the application sees."""
    found: dict[str, Any] = {}
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "127.0.0.1:8000"}
    environ |= {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    TrustedProxies(lambda given, _: found.update(given) or [], OURS)(environ, None)
    return found["REMOTE_ADDR"], found["wsgi.url_scheme"], found["HTTP_HOST"]


@pytest.mark.parametrize("peer", ["198.51.100.9", "11.0.0.1", "2a00::1", "", "unix:"])
def test_a_stranger_is_not_believed(peer: str) -> None:
    forged = {"for": "8.8.8.8", "proto": "https", "host": "evil.example"}
    assert seen(peer, **forged) == (peer, "http", "127.0.0.1:8000")


def test_our_proxy_is_believed() -> None:
    told = {"for": "203.0.113.5", "proto": "https", "host": "calls.example.kz"}
    assert seen("10.1.2.3", **told) == ("203.0.113.5", "https", "calls.example.kz")


def test_without_headers_nothing_changes() -> None:
    assert seen("10.1.2.3") == ("10.1.2.3", "http", "127.0.0.1:8000")


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5", "203.0.113.5"),  # the visitor wrote the first one
        ("203.0.113.5, 10.9.9.9, 10.8.8.8", "203.0.113.5"),
        ("2a00::7, 2001:db8::1", "2a00::7"),
        ("10.7.7.7, 10.8.8.8", "10.7.7.7"),  # from within
        (" ,203.0.113.5,, ", "203.0.113.5"),
    ],
)
def test_the_nearest_hop_that_is_not_ours_is_the_visitor(chain: str, client: str) -> None:
    assert seen("127.0.0.1", **{"for": chain})[0] == client


def test_the_last_proxy_has_the_last_word_on_scheme_and_host() -> None:
    assert seen("10.1.2.3", proto="http, https", host="forged.example, calls.example.kz")[1:] == (
        "https",
        "calls.example.kz",
    )
