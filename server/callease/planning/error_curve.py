"""Errors by the numbers that there are: a curve through a few trials, which never rises. Pure logic."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

# What no trial has seen wrong may still be wrong once in so many.
_AT_LEAST = 1e-5


@dataclass(frozen=True)
class Trial:
    """`error`: the share of wrong answers; `spread`: its standard error."""

    numbers: int
    error: float
    spread: float


@dataclass(frozen=True)
class Curve:
    """Straight between trials, where both are logarithms; flat beyond them."""

    trials: Sequence[Trial]

    @classmethod
    def through(cls, trials: Sequence[Trial]) -> Curve:
        """Trials by their numbers. More numbers do no harm: where chance says otherwise, neighbours share their mean.

        Pool adjacent violators (Ayer et al. 1955), each trial weighted alike.
        """
        blocks: list[list[Trial]] = []
        for trial in sorted(trials, key=lambda each: each.numbers):
            blocks.append([trial])
            while len(blocks) > 1 and _mean(blocks[-2]) < _mean(blocks[-1]):
                last = blocks.pop()
                blocks[-1] += last
        return cls([Trial(each.numbers, _mean(block), each.spread) for block in blocks for each in block])

    def at(self, numbers: int) -> tuple[float, float]:
        """Error and its standard error."""
        before, after, part = self._between(numbers)
        if before.error == after.error:
            return before.error, before.spread + part * (after.spread - before.spread)
        error = math.exp((1 - part) * _log(before.error) + part * _log(after.error))
        return error, before.spread + part * (after.spread - before.spread)

    def slope(self, numbers: int) -> float:
        """By how many percent errors fall when numbers grow by one percent: 0 or more."""
        before, after, _ = self._between(numbers)
        if before is after:
            return 0.0
        return (_log(before.error) - _log(after.error)) / math.log(after.numbers / before.numbers)

    def numbers_for(self, right: float) -> int | None:
        """The fewest numbers with so many right answers; None: more than were tried."""
        allowed = 1 - right
        for before, after in zip([self.trials[0], *self.trials], self.trials, strict=False):
            if after.error > allowed:
                continue
            if before.error <= allowed:
                return after.numbers
            part = (_log(before.error) - _log(allowed)) / (_log(before.error) - _log(after.error))
            return math.ceil(math.exp((1 - part) * math.log(before.numbers) + part * math.log(after.numbers)))
        return None

    def _between(self, numbers: int) -> tuple[Trial, Trial, float]:
        """The trials on both sides, and how far `numbers` is from the first to the second."""
        index = bisect_right([each.numbers for each in self.trials], numbers)
        if index == 0 or index == len(self.trials):
            nearest = self.trials[min(index, len(self.trials) - 1)]
            return nearest, nearest, 0.0
        before, after = self.trials[index - 1], self.trials[index]
        return before, after, math.log(numbers / before.numbers) / math.log(after.numbers / before.numbers)


def _mean(block: Sequence[Trial]) -> float:
    return sum(each.error for each in block) / len(block)


def _log(error: float) -> float:
    return math.log(max(_AT_LEAST, error))
