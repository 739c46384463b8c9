"""A real Redis Cluster on this machine: three masters with a replica each, all of which may be killed."""

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from callease.base.embedded_redis import _server_binary
from tests.support.waiting import eventually

_MASTERS = 3
_BUS = 10_000
# Below the ports that the kernel hands out, with their bus ports too.
_PORTS = range(15_000, 22_000)
_SETTLED_WITHIN_SECONDS = 30.0
_CONFIG = """\
port {port}
bind 127.0.0.1
dir "{dir}"
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 500
cluster-require-full-coverage no
cluster-replica-validity-factor 0
repl-diskless-sync yes
repl-diskless-sync-delay 0
save ""
loglevel warning
logfile "{dir}/redis.log"
"""


class Node:
    """One server of the cluster; `client` speaks to it alone, whatever it is at the moment."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.client = redis.Redis(port=port, decode_responses=True, socket_timeout=5)
        folder.mkdir()
        self._config = folder / "redis.conf"
        self._config.write_text(_CONFIG.format(port=port, dir=folder))
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        self._process = subprocess.Popen([_server_binary(), self._config], stdin=subprocess.DEVNULL)
        eventually(self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError):
            return bool(self.client.ping())
        return False

    @property
    def dead(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """It neither answers nor ends inside."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            if not self.dead:
                self._process.send_signal(signal.SIGCONT)

    @property
    def role(self) -> str:
        role: str = self.client.info("replication")["role"]
        return role

    @property
    def slots(self) -> list[range]:
        told = self.client.execute_command("CLUSTER NODES")
        (about,) = (each for each in told.values() if "myself" in each["flags"])
        return [range(int(slots[0]), int(slots[-1]) + 1) for slots in about["slots"]]

    @property
    def id(self) -> str:
        made: str = self.client.execute_command("CLUSTER MYID")
        return made


class Move:
    """One slot on its way from a master to another, in the steps of `redis-cli --cluster reshard`."""

    def __init__(self, key: str, old: Node, new: Node) -> None:
        self.old, self.new = old, new
        self._slot = key_slot(key.encode())

    def open(self) -> None:
        self.new.client.execute_command("CLUSTER SETSLOT", self._slot, "IMPORTING", self.old.id)
        self.old.client.execute_command("CLUSTER SETSLOT", self._slot, "MIGRATING", self.new.id)

    def take_along(self, *keys: str) -> None:
        """`keys`, or all that are still there."""
        for key in keys or self.old.client.execute_command("CLUSTER GETKEYSINSLOT", self._slot, 1_000):
            self.old.client.execute_command("MIGRATE", "127.0.0.1", self.new.port, key, 0, 5_000)

    def close(self) -> None:
        """The new one first: because it was importing, its claim is newer than any other."""
        for node in (self.new, self.old):
            node.client.execute_command("CLUSTER SETSLOT", self._slot, "NODE", self.new.id)

    def go(self) -> None:
        self.open()
        self.take_along()
        self.close()

    def give_back_by_hand(self) -> None:
        """Without a newer claim: whoever has heard of the move is not told of this."""
        for node in (self.old, self.new):
            node.client.execute_command("CLUSTER SETSLOT", self._slot, "NODE", self.old.id)


class LocalCluster:
    """For a whole test session; a test that breaks it calls `heal` afterwards."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="callease-cluster-", dir="/tmp"))
        self.nodes = [Node(self._folder / str(port), port) for port in _free_ports(2 * _MASTERS)]
        masters, replicas = self.nodes[:_MASTERS], self.nodes[_MASTERS:]
        for index, node in enumerate(masters):
            first, end = (REDIS_CLUSTER_HASH_SLOTS * each // _MASTERS for each in (index, index + 1))
            node.client.execute_command("CLUSTER ADDSLOTS", *range(first, end))
        for epoch, node in enumerate(self.nodes, start=1):
            node.client.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
            node.client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port)
        eventually(lambda: all(self._knows_all(node) for node in self.nodes), _SETTLED_WITHIN_SECONDS)
        for master, replica in zip(masters, replicas, strict=True):
            replica.client.execute_command("CLUSTER REPLICATE", master.id)
        self.heal()

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    @property
    def masters(self) -> list[Node]:
        return [node for node in self.nodes if not node.dead and node.role == "master"]

    def master_of(self, key: str) -> Node:
        """As each master sees itself."""
        slot = key_slot(key.encode())
        (master,) = (node for node in self.masters if any(slot in slots for slots in node.slots))
        return master

    def replica_of(self, master: Node) -> Node:
        port = master.client.info("replication")["slave0"]["port"]
        (replica,) = (node for node in self.nodes if node.port == port)
        return replica

    @contextlib.contextmanager
    def moving(self, key: str) -> Iterator[Move]:
        """The slot of `key` on its way to another master; afterwards it is where it was, without what it held."""
        old = self.master_of(key)
        move = Move(key, old, next(node for node in self.masters if node is not old))
        move.open()
        try:
            yield move
        finally:
            if self.master_of(key) is old:
                move.go()
            Move(key, move.new, old).go()
            eventually(self.agreed, _SETTLED_WITHIN_SECONDS, self._told)

    def flush(self) -> None:
        for node in self.masters:
            node.client.flushall()

    def heal(self) -> None:
        """Starts what is dead; returns when there are three masters with a replica each, which knows everything."""
        for node in self.nodes:
            if node.dead:
                node.start()
        eventually(self._whole, _SETTLED_WITHIN_SECONDS, self._told)

    def close(self) -> None:
        for node in self.nodes:
            if not node.dead:
                node.kill()
            node.client.close()
        shutil.rmtree(self._folder)

    def _whole(self) -> bool:
        if len(self.masters) != _MASTERS:
            return False
        for node in self.nodes:
            about = node.client.info("replication")
            linked = (
                about["connected_slaves"] == 1 if about["role"] == "master" else about["master_link_status"] == "up"
            )
            told = node.client.execute_command("CLUSTER NODES")
            if not linked or any("fail" in each["flags"] for each in told.values()):
                return False
            if node.client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                return False
        return self.agreed()

    def agreed(self) -> bool:
        """Otherwise a master may be left with a slot that others give to somebody else, and stay a master for it."""
        views = {str(_slots_of(node.client.execute_command("CLUSTER NODES"))) for node in self.nodes}
        return len(views) == 1

    def _knows_all(self, node: Node) -> bool:
        told = node.client.execute_command("CLUSTER NODES")
        return len(told) == len(self.nodes) and not any("handshake" in each["flags"] for each in told.values())

    def _told(self) -> str:
        return "\n".join(str(node.client.execute_command("CLUSTER NODES")) for node in self.nodes if not node.dead)


def _slots_of(told: dict[str, dict[str, Any]]) -> list[tuple[str, list[list[str]]]]:
    return sorted((address, about["slots"]) for address, about in told.items() if about["slots"])


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as bus:
            one.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + _BUS))
            found.append(port)
    return found
