"""How often decisions are right, and whether their confidences mean what they say. Pure logic.

Three questions are asked of each call: was the office right, the source class, the session (visitor and listing). A
null is not right, and the share of nulls is told beside. The interval is Wilson's for a binomial share at 95 %, with
fewer calls than there were when the days differ more than chance explains (the design effect of days as clusters), so
that one bad day does not count like many.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]
Decision = Mapping[str, Any]

QUESTIONS = ("office", "source", "session")
_DAY_SECONDS = 86_400.0
_BINS = 10
_Z = 1.96


@dataclass(frozen=True)
class Gap:
    """Mean difference of stated and true, in points, over the bins of stated confidence that hold calls."""

    weighted: float  # each bin as often as it has calls
    plain: float  # each bin once


@dataclass(frozen=True)
class Accuracy:
    """`gap` is None where nothing was stated with a confidence."""

    right: float
    low: float
    high: float
    null: float
    gap: Gap | None


@dataclass(frozen=True)
class Score:
    """`unnumbered` calls came from reveals that got no number; `numbers_called` counts those that calls came to."""

    calls: int
    unnumbered: int
    numbers_called: int
    office: Accuracy
    source: Accuracy
    session: Accuracy


class _Tally:
    """One question, asked of many calls."""

    def __init__(self) -> None:
        self._days: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._nulls = 0
        self._bins = [[0, 0.0, 0] for _ in range(_BINS)]

    def add(self, at: float, right: bool, null: bool, confidence: float | None) -> None:
        """What was not stated cannot be held against its confidence."""
        day = self._days[int(at // _DAY_SECONDS)]
        day[0] += 1
        day[1] += right
        self._nulls += null
        if confidence is not None and not null:
            of = self._bins[min(_BINS - 1, int(confidence * _BINS))]
            of[0] += 1
            of[1] += confidence
            of[2] += right

    def accuracy(self) -> Accuracy:
        calls = sum(count for count, _ in self._days.values())
        right = sum(count for _, count in self._days.values())
        low, high = wilson(right / calls, calls / design_effect(list(self._days.values())))
        return Accuracy(right / calls, low, high, self._nulls / calls, self._gap())

    def _gap(self) -> Gap | None:
        gaps = [(count, abs(stated - right) / count) for count, stated, right in self._bins if count]
        if not gaps:
            return None
        whole = sum(count for count, _ in gaps)
        weighted = sum(count * gap for count, gap in gaps) / whole
        return Gap(100 * weighted, 100 * sum(gap for _, gap in gaps) / len(gaps))


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in `count` independent cases (Wilson 1927)."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def design_effect(days: Iterable[tuple[int, int] | list[int]]) -> float:
    """How many times wider than a binomial's the variance of a share is; `days` hold (cases, of them right).

    At least 1. The variance between clusters is that of a ratio (Kish, Survey Sampling, 1965).
    """
    days = list(days)
    cases, right = sum(count for count, _ in days), sum(count for _, count in days)
    share = right / cases
    if len(days) < 2 or share in (0, 1):
        return 1.0
    between = sum((good - share * count) ** 2 for count, good in days) * len(days) / (len(days) - 1)
    return max(1.0, between / (cases * share * (1 - share)))


def score(events: Iterable[Event], decisions: Iterable[Decision], since: float = 0.0) -> Score | None:
    """`decisions` answer the calls among `events` in their order; None when there was no call.

    Calls before `since` are not judged.
    """
    reveals: dict[int, Event] = {}
    tallies = {question: _Tally() for question in QUESTIONS}
    answers = iter(decisions)
    calls = unnumbered = 0
    called = set()
    for event in events:
        if event["kind"] == "reveal":
            reveals[event["id"]] = event
            continue
        decision, of = next(answers), reveals[event["of"]]
        if event["t"] < since:
            continue
        calls += 1
        unnumbered += decision["number"] is None
        called.add(decision["number"])
        confidence = decision["confidence"] or {}
        for question, (stated, right) in _judged(decision, of, reveals).items():
            tallies[question].add(event["t"], right, stated is None, confidence.get(question))
    if not calls:
        return None
    return Score(calls, unnumbered, len(called - {None}), **{name: each.accuracy() for name, each in tallies.items()})


def _judged(decision: Decision, of: Event, reveals: Mapping[int, Event]) -> dict[str, tuple[Any, bool]]:
    """What was stated to each question, and whether it is right. A visitor may ask for a listing more than once."""
    named = reveals.get(decision["reveal"])
    session = named is not None and (named["visitor"], named["listing"]) == (of["visitor"], of["listing"])
    return {
        "office": (decision["office"], decision["office"] == of["office"]),
        "source": (decision["class"], decision["class"] == of["class"]),
        "session": (decision["reveal"], session),
    }
