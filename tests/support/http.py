"""One way to ask a Callease, whether it runs in this process or in another one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3
from flask.testing import FlaskClient


@dataclass(frozen=True)
class Answer:
    """`headers` are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str | None:
        return self.headers.get("Callease-Reason")


class Transport(Protocol):
    """`path` begins with a slash, or with the address that Callease says it is at."""

    def __call__(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer: ...


class InProcess:
    """Asks an application of this process."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        response = self._client.open(
            path.removeprefix("http://localhost"), method=method, headers=dict(headers or {}), data=body
        )
        return Answer(response.status_code, response.headers, response.get_data())


class OverHttp:
    """Asks a server; every answer is waited for, none is followed or asked for again."""

    def __init__(self, address: str, seconds: float = 10.0) -> None:
        self._address = address
        self._pool = urllib3.PoolManager(maxsize=128, retries=False, timeout=seconds)

    def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        url = path if path.startswith("http") else self._address + path
        response = self._pool.request(method, url, headers=dict(headers or {}), body=body, redirect=False)
        return Answer(response.status, response.headers, response.data)

    def close(self) -> None:
        self._pool.clear()


class Api:
    """The management API; an answer with another status than the expected one fails the test."""

    def __init__(self, transport: Transport, token: str | None) -> None:
        self._transport = transport
        self._token = token

    def holding(self, token: str | None) -> "Api":
        """The same API in the hands of another token's holder."""
        return Api(self._transport, token)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Whatever is answered; `path` is below `/api/v1`."""
        sent = dict(headers or {})
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self._transport(method, f"/api/v1{path}", sent, content)

    def get(self, path: str, expected: int = 200) -> Any:
        return self._expect(expected, "GET", path)

    def all(self, path: str) -> list[Any]:
        """Every row of a list, page after page."""
        rows, cursor = [], ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=200{cursor}")
            rows += page["data"]
            if page["next_cursor"] is None:
                return rows
            cursor = f"&cursor={page['next_cursor']}"

    def post(self, path: str, body: Any = None, expected: int = 201) -> Any:
        return self._expect(expected, "POST", path, {} if body is None else body)

    def patch(self, path: str, body: Any, expected: int = 200) -> Any:
        return self._expect(expected, "PATCH", path, body)

    def delete(self, path: str, expected: int = 204) -> Any:
        return self._expect(expected, "DELETE", path)

    def _expect(self, expected: int, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status == expected, f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer.json if answer.body else None
