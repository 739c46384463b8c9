"""Who has which slot of a Redis Cluster, of what its nodes tell: `CLUSTER NODES`, as redis-py reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS

Address = tuple[str, int]


@dataclass(frozen=True)
class Claim:
    """`itself`: the node says so of itself; `slots` first and last of each range."""

    node: Address
    epoch: int
    itself: bool
    slots: tuple[tuple[int, int], ...]


def claims(told: Mapping[str, Mapping[str, Any]], asked: Address) -> list[Claim]:
    """What `asked` says of all nodes; one that does not know its own host name is where it was asked."""
    found = []
    for where, about in told.items():
        flags = about["flags"].split(",")
        host, _, port = where.rpartition(":")
        if "noaddr" in flags:
            continue
        slots = about["slots"] if "master" in flags else ()
        ranges = tuple((int(slot[0]), int(slot[-1])) for slot in slots)
        node = host.strip("[]") or asked[0], int(port)
        found.append(Claim(node, int(about["epoch"]), "myself" in flags, ranges))
    return found


def owners(heard: Iterable[Claim]) -> list[Address | None]:
    """By slot. Of two nodes that claim one, the newer claim counts, as in the cluster: who was cut off tells old news.

    What others say of a node that speaks for itself does not count: it answers MOVED for what it does not have.
    """
    heard = list(heard)
    speak = {claim.node for claim in heard if claim.itself}
    owner_of: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
    for claim in sorted(heard, key=lambda each: each.epoch):
        if claim.itself or claim.node not in speak:
            for first, last in claim.slots:
                owner_of[first : last + 1] = [claim.node] * (last + 1 - first)
    return owner_of
