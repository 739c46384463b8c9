"""The outside world: a visitor's page, a telephony provider. They know the contract and none of our code."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.support.http import Answer, Transport


class Page:
    """A page of the site: what the script on it asks. Answers are given as they come."""

    def __init__(self, transport: Transport, site_key: str, origin: str | None = "https://bosaga.kz") -> None:
        self._transport = transport
        self._site = site_key
        self._origin = origin

    def visit(self, url: str = "https://bosaga.kz/", **fields: Any) -> Answer:
        """`fields`: visitor, session, source, clients; `referrer` and `title` go into the page."""
        return self._post("/c/v1/visits", {"page": self._page(url, fields), **fields})

    def reveal(self, listing: str, **fields: Any) -> Answer:
        """Asks for the number of a listing."""
        url = fields.pop("url", f"https://bosaga.kz/{listing}")
        return self._post("/c/v1/leases", {"listing": listing, "page": self._page(url, fields), **fields})

    def tell(self, lease: str, type_: str) -> Answer:
        """A lease event: dial, copy, qr or heartbeat."""
        return self._post(f"/c/v1/leases/{lease}/events", {"type": type_})

    @staticmethod
    def _page(url: str, fields: dict[str, Any]) -> dict[str, str]:
        return {"url": url, "referrer": fields.pop("referrer", ""), "title": fields.pop("title", "")}

    def _post(self, path: str, body: dict[str, Any]) -> Answer:
        headers = {"Content-Type": "text/plain", "User-Agent": _BROWSER}
        if self._origin:
            headers["Origin"] = self._origin
        return self._transport("POST", path, headers, json.dumps({"site": self._site, **body}).encode())


class Telephone:
    """A PBX that speaks the generic provider's language; signed with the account's secret, at `now` (Unix time)."""

    def __init__(self, transport: Transport, account: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
        self._transport = transport
        self.account = account
        self._now = now

    def route(self, call: str, to: str, caller: str | None = "+77011234567", **fields: Any) -> Answer:
        """ "Where does this call go?"; `at` defaults to now."""
        body = {"call_id": call, "at": rfc3339(), "from": caller, "to": to, **fields}
        return self.send(self.account["route_url"], body)

    def event(
        self, type_: str, call: str, to: str | None, caller: str | None = "+77011234567", **fields: Any
    ) -> Answer:
        """One event, `type_` without its `call.`."""
        body = {"type": f"call.{type_}", "call_id": call, "at": rfc3339(), "from": caller, "to": to, **fields}
        return self.send(self.account["events_url"], body)

    def call(self, to: str, caller: str | None = "+77011234567", talk: int = 95) -> str:
        """A whole answered call, rung and ended; its provider's id."""
        call = new_call_id()
        ringing = self.event("ringing", call, to, caller)
        assert ringing.status == 200, ringing.body
        ended = self.event("ended", call, to, caller, disposition="answered", wait=7, talk=talk, duration=7 + talk)
        assert ended.status == 200, ended.body
        return call

    def send(self, url: str, body: Any, secret: str | None = None) -> Answer:
        """Any JSON, signed with `secret` or the account's own."""
        content = json.dumps(body).encode()
        message, stamp = f"msg_{uuid.uuid4().hex}", str(int(self._now()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": stamp,
            "webhook-signature": standard_webhooks(secret or self.account["secret"], message, stamp, content),
        }
        return self._transport("POST", url, headers, content)


def standard_webhooks(secret: str, message: str, stamp: str, body: bytes) -> str:
    """The signature as the specification of Standard Webhooks describes it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256)).decode()


def new_call_id() -> str:
    return uuid.uuid4().hex


def rfc3339(at: datetime | None = None) -> str:
    return (at or datetime.now(UTC)).isoformat().replace("+00:00", "Z")


_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
