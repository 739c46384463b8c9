"""Redis: an index that can be emptied at any moment, reached over one connection pool.

Each connection learns the server's run id as it is made. What was built under one run id is not believed under another:
a Redis that died may have lost its last second, or everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
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

    def current_run_id(self) -> str:
        if not self.run_id:
            self.call(lambda client: client.ping())
        return self.run_id

    def close(self) -> None:
        self.client.close()


class LuaScript:
    """One operation in one file; sent whole only when the server does not know it yet."""

    def __init__(self, path: Path) -> None:
        self._source = path.read_text(encoding="utf-8")
        self._sha = hashlib.sha1(self._source.encode(), usedforsecurity=False).hexdigest()

    def run(self, store: RedisStore, keys: Sequence[str], arguments: Callable[[], Sequence[str | int]]) -> Any:
        """`arguments` is asked when the connection stands: a new one can mean a new server, with another run id."""

        def operation(client: redis.Redis) -> Any:
            connection = client.connection_pool.get_connection()
            try:
                values = [len(keys), *keys, *map(str, arguments())]
                try:
                    connection.send_command("EVALSHA", self._sha, *values)
                    return client.parse_response(connection, "EVALSHA")
                except NoScriptError:
                    connection.send_command("EVAL", self._source, *values)
                    return client.parse_response(connection, "EVAL")
            finally:
                client.connection_pool.release(connection)

        return store.call(operation)
