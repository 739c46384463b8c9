"""Redis: an index that can be emptied at any moment, reached over one connection pool.

Each connection learns the run id of the server at its other end as it is made. What was built under one run id is not
believed under another: a Redis that died may have lost its last second, or everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from callease.base.errors import Unavailable

_CONNECT_SECONDS = 0.05
_ANSWER_SECONDS = 0.1


class Store(Protocol):
    """One Redis or a cluster of them: every failure is `Unavailable("redis")`, quickly."""

    def call(self, operation: Callable[[redis.Redis], Any], key: str = "") -> Any:
        """Runs `operation` on the server that has `key`. Raises Unavailable."""

    def run(self, call: ScriptCall) -> Any:
        """Raises Unavailable."""

    def run_all(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """The answers, in one round trip a server; that of a script which failed is a RedisError.

        Raises Unavailable when none can be had.
        """

    def close(self) -> None: ...


class RedisStore:
    """One server, or several behind one address of which one is at work. Nobody waits longer than `answer_seconds`."""

    def __init__(self, url: str, max_connections: int = 64, answer_seconds: float = _ANSWER_SECONDS) -> None:
        options = client_options(max_connections) | {"socket_timeout": answer_seconds}
        self.client: redis.Redis = redis.Redis.from_url(url, **options)

    def call(self, operation: Callable[[redis.Redis], Any], key: str = "") -> Any:
        """Once more over a new connection when the old one turns out to be dead."""
        try:
            try:
                return operation(self.client)
            except redis.ConnectionError:
                self.client.connection_pool.disconnect(inuse_connections=False)
                return operation(self.client)
        except RedisError as error:
            raise Unavailable("redis") from error

    def run(self, call: ScriptCall) -> Any:
        return sole_answer(self.run_all([call]))

    def run_all(self, calls: Sequence[ScriptCall]) -> list[Any]:
        def operation(client: redis.Redis) -> list[Any]:
            connection = client.connection_pool.get_connection()
            try:
                return script_answers(connection, send_scripts(connection, calls))
            finally:
                client.connection_pool.release(connection)

        answers: list[Any] = self.call(operation)
        return answers

    def close(self) -> None:
        self.client.close()


def client_options(max_connections: int = 64) -> dict[str, Any]:
    """A client that waits a tenth of a second and never tries again by itself."""
    return {
        "decode_responses": True,
        "max_connections": max_connections,
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "redis_connect_func": _on_connect,
        "driver_info": None,
    }


def _on_connect(connection: Any) -> None:
    connection.on_connect()
    connection.send_command("INFO", "server")
    info = connection.read_response()
    text = info.decode() if isinstance(info, bytes) else str(info)
    connection.run_id = next(line[7:] for line in text.splitlines() if line.startswith("run_id:"))


def sole_answer(answers: Sequence[Any]) -> Any:
    (answer,) = answers
    if isinstance(answer, RedisError):
        raise Unavailable("redis") from answer
    return answer


def send_scripts(connection: Any, calls: Sequence[ScriptCall]) -> Sent:
    """Nothing is sent when the arguments of one cannot be had: what they raise is raised here. Raises RedisError."""
    sent = [(call.script, call.values(connection.run_id)) for call in calls]
    _send(connection, [("EVALSHA", script.sha, *values) for script, values in sent])
    return sent


def script_answers(connection: Any, sent: Sent) -> list[Any]:
    """What the server says to each of `sent`; that of a script which failed is a RedisError.

    Raises RedisError when the connection fails: it is closed then, so that nobody reads what was meant for these.
    """
    answers = [_answer(connection) for _ in sent]
    unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        _send(connection, [("EVAL", sent[i][0].source, *sent[i][1]) for i in unknown])
        for i in unknown:
            answers[i] = _answer(connection)
    if any(isinstance(answer, ResponseError) and "READONLY" in str(answer) for answer in answers):
        # A server that was made a replica: the next connection to the address may lead to the one that took over.
        connection.disconnect()
    return answers


def _send(connection: Any, commands: Sequence[tuple[str | int | bytes, ...]]) -> None:
    connection.send_packed_command([part for each in commands for part in connection.pack_command(*each)])


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


class LuaScript:
    """One operation, behind what it shares with others; sent whole only when the server does not know it yet."""

    def __init__(self, *paths: Path) -> None:
        self.source = "".join(path.read_text(encoding="utf-8") for path in paths)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class ScriptCall:
    """A script with its keys, of one hash tag; `arguments` is given the run id of the server that will run it.

    They are asked for once for each time that the script may run.
    """

    script: LuaScript
    keys: Sequence[str]
    arguments: Callable[[str], Sequence[str | int | bytes]]

    def values(self, run_id: str) -> list[str | int | bytes]:
        return [len(self.keys), *self.keys, *self.arguments(run_id)]


Sent = Sequence[tuple[LuaScript, Sequence[str | int | bytes]]]
