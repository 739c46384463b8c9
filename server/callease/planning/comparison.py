"""Callease's own engine and the trade's policies on the same traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from callease.planning import policies
from callease.planning.replay import Setup, replay
from callease.planning.score import Score, score
from callease.planning.traffic import Traffic

ENGINE = "callease"
NAMES = (ENGINE, *policies.NAMES)


@dataclass(frozen=True)
class Result:
    policy: str
    numbers: int
    score: Score


@dataclass(frozen=True)
class Simulated:
    """One traffic with what came of it."""

    name: str
    traffic: Traffic
    reveals: int
    calls: int
    results: Sequence[Result]

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "traffic": asdict(self.traffic),
            "reveals": self.reveals,
            "calls": self.calls,
            "results": [
                {"policy": each.policy, "numbers": each.numbers, **asdict(each.score)} for each in self.results
            ],
        }


class Comparison:
    """One traffic, drawn once and held in memory, about half a kilobyte an event."""

    def __init__(self, traffic: Traffic, objective: str) -> None:
        self.traffic = traffic
        self._objective = objective
        self._events = list(traffic.events())
        self.reveals = sum(event["kind"] == "reveal" for event in self._events)
        self.calls = len(self._events) - self.reveals

    def results(self, runs: Sequence[tuple[str, int]]) -> Iterator[Result]:
        """For each policy of NAMES and number of numbers; nothing comes of traffic without a call."""
        for policy, numbers in runs:
            if scored := score(self._events, self._decisions(policy, numbers)):
                yield Result(policy, numbers, scored)

    def _decisions(self, policy: str, numbers: int) -> Iterator[Mapping[str, Any]]:
        stated = self.traffic.numbers_file(numbers)
        if policy == ENGINE:
            return replay(Setup.read(stated), self._objective, self._events)
        weights = {office["id"]: office["weight"] for office in stated["offices"]}
        return policies.play(policies.make(policy, numbers, weights, self.traffic.seed), self._events)
