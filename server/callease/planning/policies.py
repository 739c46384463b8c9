"""What the trade does with its numbers, for comparison: which reveal, office and source class a call belongs to.

A shared pool shows any number to anybody; whose call it is says the newest lease of the number. It differs when numbers
are taken (on page load or on the click), and which one is next. Caller memory gives a repeated call of the same caller
to the same number the answer of the first one. None of these states how sure it is. Pure logic.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Event = Mapping[str, Any]
Answer = dict[str, Any]

# A visitor who asks again for the same listing within this time is shown the same number.
KEPT_SECONDS = 1_800.0
# Of twenty pages that show a listing, one brings a click on "Show number": the others take a number as well.
PAGES_A_REVEAL = 20
# The pages without a click are drawn from so many leases of the past.
_PAST_REVEALS = 1_000


class Chooser(Protocol):
    """Which number comes next."""

    def next(self, office: str, at: float) -> int | None:
        """`at` in seconds, never going back; None when no number is free."""
        ...


class OldestShared:
    """The number of all whose last lease began longest ago."""

    def __init__(self, numbers: int) -> None:
        self._numbers = numbers
        self._leases = 0

    def next(self, office: str, at: float) -> int | None:
        self._leases += 1
        return self._leases % self._numbers


class RandomShared:
    """Any number that has been free for the time-out, at random."""

    def __init__(self, numbers: int, seed: int) -> None:
        self._free = list(range(numbers))
        self._held: deque[tuple[float, int]] = deque()
        self._rng = random.Random(f"random shared {seed}")

    def next(self, office: str, at: float) -> int | None:
        while self._held and self._held[0][0] <= at:
            self._free.append(self._held.popleft()[1])
        if not self._free:
            return None
        index = self._rng.randrange(len(self._free))
        self._free[index], self._free[-1] = self._free[-1], self._free[index]
        number = self._free.pop()
        self._held.append((at + KEPT_SECONDS, number))
        return number


class OldestOwned:
    """The number of the office whose last lease began longest ago; numbers go to offices by their weights."""

    def __init__(self, numbers: int, weights: Mapping[str, float]) -> None:
        self._of_office: dict[str, deque[int]] = {}
        first = 0
        for office, count in shares(numbers, weights).items():
            self._of_office[office] = deque(range(first, first + count))
            first += count

    def next(self, office: str, at: float) -> int | None:
        numbers = self._of_office[office]
        numbers.rotate(-1)
        return numbers[-1]


def shares(numbers: int, weights: Mapping[str, float]) -> dict[str, int]:
    """One number for each office, the others by weight, the largest remainders first; ValueError for fewer numbers."""
    left = numbers - len(weights)
    if left < 0:
        raise ValueError("fewer numbers than offices")
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    whole = sum(weights.values())
    exact = {office: left * weight / whole for office, weight in weights.items()}
    given = {office: 1 + int(share) for office, share in exact.items()}
    by_remainder = sorted(exact, key=lambda office: int(exact[office]) - exact[office])
    for office in by_remainder[: numbers - sum(given.values())]:
        given[office] += 1
    return given


@dataclass(frozen=True)
class _Lease:
    """`reveal` is None for a page that was loaded and whose number nobody asked for."""

    office: str
    source_class: str
    reveal: int | None


class Policy:
    """Takes reveals and calls in the order of time, like the replay of Callease's own engine.

    `pages_a_reveal` is 1 where numbers are taken on the click.
    """

    def __init__(self, chooser: Chooser, memory: bool, pages_a_reveal: int = 1, seed: int = 0) -> None:
        self._chooser = chooser
        self._other_pages = pages_a_reveal - 1
        self._rng = random.Random(f"pages {seed}")
        self._past: list[_Lease] = []
        self._newest: dict[int, _Lease] = {}
        self._kept: dict[tuple[str, str], tuple[float, int | None]] = {}
        self._shown: dict[int, int | None] = {}
        self._memory: dict[tuple[int, str], _Lease] | None = {} if memory else None

    def reveal(self, event: Event) -> None:
        at, key = event["t"], (event["visitor"], event["listing"])
        until, number = self._kept.get(key, (at, None))
        if at >= until:
            self._load_other_pages(at)
            number = self._lease(at, _Lease(event["office"], event["class"], event["id"]))
            self._kept[key] = (at + KEPT_SECONDS, number)
        self._shown[event["id"]] = number

    def call(self, event: Event) -> Answer:
        number, caller = self._shown[event["of"]], event["caller"]
        lease = None
        if number is not None:
            lease = self._newest[number]
            if self._memory is not None and caller is not None:
                lease = self._memory.setdefault((number, caller), lease)
        return {
            "of": event["of"],
            "number": None if number is None else f"n{number + 1}",
            "office": lease.office if lease else None,
            "class": lease.source_class if lease else None,
            "reveal": lease.reveal if lease else None,
            "confidence": None,
        }

    def _load_other_pages(self, at: float) -> None:
        """The pages loaded since the last reveal, of such offices and classes as those of reveals were."""
        for _ in range(self._other_pages if self._past else 0):
            like = self._rng.choice(self._past)
            self._lease(at, _Lease(like.office, like.source_class, None))

    def _lease(self, at: float, lease: _Lease) -> int | None:
        number = self._chooser.next(lease.office, at)
        if number is not None:
            self._newest[number] = lease
        if lease.reveal is not None and self._other_pages:
            self._remember(lease)
        return number

    def _remember(self, lease: _Lease) -> None:
        if len(self._past) < _PAST_REVEALS:
            self._past.append(lease)
        else:
            self._past[self._rng.randrange(_PAST_REVEALS)] = lease


Maker = Callable[[int, Mapping[str, float], int], Chooser]
# How the next number is chosen, and the pages that take one for each reveal.
_KINDS: Mapping[str, tuple[Maker, int]] = {
    "load": (lambda numbers, _weights, _seed: OldestShared(numbers), PAGES_A_REVEAL),
    "random": (lambda numbers, _weights, seed: RandomShared(numbers, seed), 1),
    "oldest": (lambda numbers, _weights, _seed: OldestShared(numbers), 1),
    "owned": (lambda numbers, weights, _seed: OldestOwned(numbers, weights), 1),
}
_MEMORY = "+memory"
NAMES = tuple(kind + memory for kind in _KINDS for memory in ("", _MEMORY))


def make(name: str, numbers: int, weights: Mapping[str, float], seed: int) -> Policy:
    """`name` is one of NAMES, `weights` are the offices'; ValueError for owned numbers that are fewer than offices."""
    maker, pages = _KINDS[name.removesuffix(_MEMORY)]
    return Policy(maker(numbers, weights, seed), name.endswith(_MEMORY), pages, seed)


def play(policy: Policy, events: Iterable[Event]) -> Iterator[Answer]:
    """The answers to the calls among `events`, in their order."""
    for event in events:
        if event["kind"] == "reveal":
            policy.reveal(event)
        else:
            yield policy.call(event)
