"""X-Forwarded-* headers are believed from the operator's own proxies only."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from callease.settings import Network

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class TrustedProxies:
    """Takes the client's address, scheme and host from the nearest hop that is not one of `trusted`."""

    def __init__(self, app: WsgiApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
            client = next((hop for hop in reversed(hops) if not self._is_trusted(hop)), hops[0] if hops else None)
            if client:
                environ["REMOTE_ADDR"] = client
            if scheme := _last(environ.get("HTTP_X_FORWARDED_PROTO")):
                environ["wsgi.url_scheme"] = scheme
            if host := _last(environ.get("HTTP_X_FORWARDED_HOST")):
                environ["HTTP_HOST"] = host
        return self._app(environ, start_response)

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.strip("[]"))
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _last(header: str | None) -> str | None:
    return header.split(",")[-1].strip() if header else None
