"""A Redis Cluster: each office's pool lies on one of its masters, and the others do not wait for one that is gone.

Which master has which slot is learnt from all nodes that answer. A node that fails is asked no more by requests: a
thread that lives as long as the trouble does asks it, and sees who takes over.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import redis
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, MovedError, RedisError

from callease.base.cluster_slots import Address, Claim, claims, owners
from callease.base.errors import Unavailable
from callease.base.redis import (
    RedisStore,
    ScriptCall,
    Sent,
    Store,
    client_options,
    script_answers,
    send_scripts,
    sole_answer,
)

_log = logging.getLogger(__name__)
_SCHEME = "redis+cluster"
# A stale connection and a slot that has moved cost one more round each.
_ROUNDS = 3
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class ClusterAddress:
    """Some nodes of a cluster; the others are learnt from them."""

    username: str | None
    password: str | None
    nodes: tuple[Address, ...]


def cluster_address(url: str) -> ClusterAddress | None:
    """Of `redis+cluster://[[user]:password@]host[:port][,host[:port]...]`; None for another scheme, else ValueError."""
    scheme, _, rest = url.partition("://")
    if scheme != _SCHEME:
        return None
    login, _, nodes = re.sub(r"/0?$", "", rest).rpartition("@")
    user, _, password = login.partition(":")
    return ClusterAddress(unquote(user) or None, unquote(password) or None, tuple(map(_node, nodes.split(","))))


def _node(text: str) -> Address:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?", text)
    if not match or not 0 < int(match[3] or 6379) < 65_536:
        raise ValueError(text)
    return match[1] or match[2], int(match[3] or 6379)


def redis_store(url: str) -> Store:
    """Nothing is connected to yet. Raises ValueError."""
    address = cluster_address(url)
    return ClusterStore(address) if address else RedisStore(url)


class ClusterStore:
    """A `Store` in which a node that is gone costs nobody but the offices that lie on it."""

    def __init__(self, address: ClusterAddress) -> None:
        self._address = address
        self._nodes: dict[Address, _Node] = {}
        self._owner_of: Sequence[_Node | None] = ()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._doubtful = False
        self._watcher: threading.Thread | None = None

    def call(self, operation: Callable[[redis.Redis], Any], key: str = "") -> Any:
        failed: dict[_Node, RedisError] = {}
        for _ in range(_ROUNDS):
            node = self._owner(key)
            if node is None:
                break
            try:
                return operation(node.client)
            except RedisError as error:
                if not self._again(node, error, failed):
                    raise Unavailable("redis") from error
        raise Unavailable("redis")

    def run(self, call: ScriptCall) -> Any:
        return sole_answer(self.run_all([call]))

    def run_all(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """All nodes are asked before the first answer is read."""
        answers: list[Any] = [redis.ConnectionError("no node answers for this slot")] * len(calls)
        failed: dict[_Node, RedisError] = {}
        waiting = list(range(len(calls)))
        for _ in range(_ROUNDS):
            of_node: dict[_Node, list[int]] = {}
            for i in waiting:
                if node := self._owner(calls[i].keys[0]):
                    of_node.setdefault(node, []).append(i)
            batches = [(_Batch(node, [calls[i] for i in of_node[node]]), of_node[node]) for node in of_node]
            waiting = []
            for batch, indexes in batches:
                for i, answer in zip(indexes, batch.answers(), strict=True):
                    answers[i] = answer
                    if isinstance(answer, RedisError) and self._again(batch.node, answer, failed):
                        waiting.append(i)
            if not waiting:
                break
        for answer in answers:
            if isinstance(answer, Exception) and not isinstance(answer, RedisError):
                raise answer
        return answers

    def close(self) -> None:
        self._closed.set()
        if watcher := self._watcher:
            watcher.join()
        for node in self._nodes.values():
            node.client.close()

    def _owner(self, key: str) -> _Node | None:
        """None: nobody has the slot, or the node that has it does not answer."""
        if not self._owner_of:
            if self._watcher is None and not self._learn():
                self._watch()
            if not self._owner_of:
                return None
        node = self._owner_of[key_slot(key.encode())]
        return None if node is None or node.down else node

    def _again(self, node: _Node, error: RedisError, failed: dict[_Node, RedisError]) -> bool:
        """Whether to ask once more; `failed` is what each node failed with first, in this call."""
        if isinstance(error, MovedError):
            self._move(error, node)
            self._watch()
            return True
        if isinstance(error, redis.ConnectionError) and failed.setdefault(node, error) is error:
            # A connection that was idle may have died long ago, and its server be back.
            node.client.connection_pool.disconnect(inuse_connections=False)
            return True
        if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
            if not node.down:
                _log.warning("a node of the Redis Cluster does not answer: %s:%d", node.host, node.port)
            node.down = True
            self._watch()
        elif isinstance(error, ClusterDownError):
            self._watch()
        return False

    def _move(self, error: MovedError, told_by: _Node) -> None:
        owner = self._node_at(error.host or told_by.host, error.port)
        owner.down = False
        owner_of = list(self._owner_of)
        owner_of[error.slot_id] = owner
        self._owner_of = owner_of

    def _node_at(self, host: str, port: int) -> _Node:
        with self._lock:
            if (host, port) not in self._nodes:
                self._nodes[host, port] = _Node(host, port, self._address)
            return self._nodes[host, port]

    def _watch(self) -> None:
        with self._lock:
            self._doubtful = True
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch_on, name="redis-cluster", daemon=True)
                self._watcher.start()

    def _watch_on(self) -> None:
        while True:
            self._doubtful = False
            try:
                healthy = self._learn()
            except Exception:  # whatever a node says, somebody must go on looking
                _log.exception("who has which slot of the Redis Cluster could not be learnt")
                healthy = False
            self._closed.wait(_LOOK_AGAIN_SECONDS)
            with self._lock:
                if (healthy and not self._doubtful) or self._closed.is_set():
                    self._watcher = None
                    return

    def _learn(self) -> bool:
        """Asks every known node who has which slot; whether each slot has an owner that answers."""
        heard: list[Claim] = []
        for address in {*self._address.nodes, *self._nodes}:
            asked = self._node_at(*address)
            try:
                told = asked.client.execute_command("CLUSTER NODES")
            except RedisError:
                continue
            asked.down = False
            heard += claims(told, address)
        owner_of = owners(heard)
        if not any(owner_of):
            return False
        nodes = {address: self._node_at(*address) for address in set(owner_of) if address}
        self._owner_of = [nodes[address] if address else None for address in owner_of]
        return None not in owner_of and not any(node.down for node in nodes.values())


class _Node:
    """`down`: it failed, and nobody but the watching thread asks it until it answers."""

    def __init__(self, host: str, port: int, address: ClusterAddress) -> None:
        self.host, self.port = host, port
        self.down = False
        self.client: redis.Redis = redis.Redis(
            host=host, port=port, username=address.username, password=address.password, **client_options()
        )


class _Batch:
    """Scripts on their way to one node, sent as it is made.

    What goes wrong is each one's answer: the other nodes' answers must be read all the same.
    """

    def __init__(self, node: _Node, calls: Sequence[ScriptCall]) -> None:
        self.node = node
        self._count = len(calls)
        self._connection: Any = None
        self._sent: Sent = ()
        self._error: Exception | None = None
        try:
            self._connection = node.client.connection_pool.get_connection()
            self._sent = send_scripts(self._connection, calls)
        except Exception as error:
            self._error = error

    def answers(self) -> list[Any]:
        try:
            if self._error is None:
                return script_answers(self._connection, self._sent)
        except RedisError as error:
            self._error = error
        finally:
            if self._connection is not None:
                self.node.client.connection_pool.release(self._connection)
        return [self._error] * self._count
