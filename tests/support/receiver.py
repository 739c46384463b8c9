"""A strict receiver of webhooks: it checks every delivery as the specification asks receivers to."""

import hmac
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.people import standard_webhooks

TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Received:
    """One delivery as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    answered: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass
class Reply:
    """What the receiver answers; `gate` holds the answer back until somebody opens it."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    gate: threading.Event | None = None


class Receiver(ThreadingHTTPServer):
    """On 127.0.0.1; the replies are given one after the other, the last one for ever.

    `secrets`: path -> the signing secret of the endpoint there; a path that is not among them is not checked.
    """

    daemon_threads = True

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.now = now
        self.replies: list[Reply] = [Reply()]
        self.received: list[Received] = []
        self.breaches: list[str] = []
        self.secrets: dict[str, str] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_port)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def counts(self, path: str | None = None) -> Counter[str]:
        """How often each event came, by its id."""
        with self.lock:
            return Counter(each.id for each in self.received if path in (None, each.path))

    def types(self, path: str | None = None) -> Counter[str]:
        with self.lock:
            return Counter(each.event["type"] for each in self.received if path in (None, each.path))

    def next_reply(self) -> Reply:
        with self.lock:
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        assert not self.breaches, self.breaches


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output clean."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        for breach in self._breaches(headers, body):
            self.server.breaches.append(f"{self.path}: {breach}")
        reply = self.server.next_reply()
        with self.server.lock:
            self.server.received.append(Received(self.path, headers, body, reply.status))
        if reply.gate:
            reply.gate.wait(10)
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def do_GET(self) -> None:
        self.server.breaches.append(f"GET {self.path}: a redirect was followed")
        self.send_error(405)

    def _breaches(self, headers: Mapping[str, str], body: bytes) -> list[str]:
        found = []
        if headers.get("content-type", "").split(";")[0] != "application/json":
            found.append("not JSON")
        if set(json.loads(body)) != {"type", "timestamp", "data"}:
            found.append("not an event of the contract")
        stamp, message = headers.get("webhook-timestamp", "0"), headers.get("webhook-id", "")
        if abs(self.server.now().timestamp() - int(stamp)) > TOLERANCE_SECONDS:
            found.append("an old timestamp")
        if not message or "." in message:
            found.append("no usable webhook-id")
        if secret := self.server.secrets.get(self.path):
            expected = standard_webhooks(secret, message, stamp, body)
            given = headers.get("webhook-signature", "").split(" ")
            if not any(hmac.compare_digest(expected, one) for one in given):
                found.append("a wrong signature")
        return found
