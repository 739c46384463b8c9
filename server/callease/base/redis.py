"""Redis: an index that can be emptied at any moment, reached over one connection pool.

Each connection learns the server's run id as it is made. What was built under one run id is not believed under another:
a Redis that died may have lost its last second, or everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from callease.base.errors import Unavailable

_CONNECT_SECONDS = 0.05
_ANSWER_SECONDS = 0.1


class RedisStore:
    """A client whose every failure is `Unavailable("redis")`, quickly."""

    def __init__(self, url: str, max_connections: int = 64) -> None:
        self.run_id = ""
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            decode_responses=True,
            max_connections=max_connections,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._on_connect,
            driver_info=None,
        )

    def _on_connect(self, connection: Any) -> None:
        connection.on_connect()
        connection.send_command("INFO", "server")
        info = connection.read_response()
        text = info.decode() if isinstance(info, bytes) else str(info)
        self.run_id = next(line[7:] for line in text.splitlines() if line.startswith("run_id:"))

    def call(self, operation: Callable[[redis.Redis], Any]) -> Any:
        """Runs `operation`, once more over a new connection when the old one turns out to be dead."""
        try:
            try:
                return operation(self.client)
            except redis.ConnectionError:
                self.client.connection_pool.disconnect(inuse_connections=False)
                return operation(self.client)
        except RedisError as error:
            raise Unavailable("redis") from error

    def run(self, call: ScriptCall) -> Any:
        """Raises Unavailable."""
        (answer,) = self.run_all([call])
        if isinstance(answer, RedisError):
            raise Unavailable("redis") from answer
        return answer

    def run_all(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """The answers, in one round trip; that of a script which failed is a RedisError. Raises Unavailable."""

        def operation(client: redis.Redis) -> list[Any]:
            connection = client.connection_pool.get_connection()
            try:
                answers = _pipelined(connection, [("EVALSHA", call.script.sha, *call.values()) for call in calls])
                unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
                whole = [("EVAL", calls[i].script.source, *calls[i].values()) for i in unknown]
                for i, answer in zip(unknown, _pipelined(connection, whole), strict=True):
                    answers[i] = answer
                return answers
            finally:
                client.connection_pool.release(connection)

        answers: list[Any] = self.call(operation)
        return answers

    def current_run_id(self) -> str:
        if not self.run_id:
            self.call(lambda client: client.ping())
        return self.run_id

    def close(self) -> None:
        self.client.close()


def _pipelined(connection: Any, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
    if commands:
        connection.send_packed_command([part for each in commands for part in connection.pack_command(*each)])
    return [_answer(connection) for _ in commands]


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


class LuaScript:
    """One operation in one file; sent whole only when the server does not know it yet."""

    def __init__(self, path: Path) -> None:
        self.source = path.read_text(encoding="utf-8")
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class ScriptCall:
    """A script with its keys; `arguments` is asked when the connection stands, which may be one to a new server."""

    script: LuaScript
    keys: Sequence[str]
    arguments: Callable[[], Sequence[str | int]]

    def values(self) -> list[str | int]:
        return [len(self.keys), *self.keys, *self.arguments()]
