"""Short codes behind one number: which there are, in which order they are given out, how long they rest. Pure logic.

The first digit of a code says how long it is, so none is the beginning of another: whoever stops dialling too early has
dialled no code at all. None begins with 0 or 1, and those that begin with 9 are long: no code is an emergency number
(101 to 104, 112, 000, 911).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

# More than any code has: what is cut is no code either way.
_DIGITS_KEPT = 20
REST = timedelta(days=60)
"""How long after a lease its code is given to nobody else, while there is any other: late callers dial old codes."""


@dataclass(frozen=True)
class Length:
    """Codes of one length: `size` of them from `first` on."""

    first: int
    size: int

    @property
    def step(self) -> int:
        """From one fresh code to the next, coprime to `size`: every code comes once, neighbours far apart in time."""
        golden = round(self.size * (math.sqrt(5) - 1) / 2)
        return next(step for step in range(max(1, golden), golden + self.size + 2) if math.gcd(step, self.size) == 1)

    def code(self, index: int) -> str:
        """The code that is given out as the `index`-th fresh one, counted from 0."""
        return str(self.first + index * self.step % self.size)

    def index(self, code: str) -> int | None:
        """None for a code of another length."""
        offset = int(code) - self.first
        return offset * pow(self.step, -1, self.size) % self.size if 0 <= offset < self.size else None

    def used(self, held_until: Mapping[str, int]) -> dict[str, int]:
        """Codes of this length up to the last one that was ever given, with what they were `held_until`.

        0 for one that was passed over: its lease could not be written to the log.
        """
        indexes = [index for code in held_until if (index := self.index(code)) is not None]
        codes = (self.code(index) for index in range(max(indexes, default=-1) + 1))
        return {code: held_until.get(code, 0) for code in codes}


LENGTHS = (Length(200, 400), Length(6_000, 2_000), Length(80_000, 10_000), Length(900_000, 100_000))


def dialled_code(digits: str | None) -> str | None:
    """The code in what a caller dialled: `#`, `*`, pauses and spaces are not part of it. None where nothing is left."""
    return re.sub(r"[^0-9]", "", digits or "")[:_DIGITS_KEPT] or None
