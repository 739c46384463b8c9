"""The groups of an office's pool: of each the coldest number, free and held, is a candidate. Pure logic.

Numbers that are split by source class are in a group of their class. Numbers for any class are grouped by the class
that they were leased to last, because for that class a further lease does them the least damage.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GROUPS_AT_MOST = 8
# The classes of attribution.sources, the common ones first: each has a group of its own while there are enough.
CLASSES = (
    "direct", "organic", "paid_search", "social", "aggregator", "referral", "paid_social", "messenger",
    "email", "display", "assistant", "other",
)  # fmt: skip


@dataclass(frozen=True)
class Groups:
    """`fixed`: classes that numbers are split by; their groups come first, in this order. Indexes begin at 1."""

    fixed: tuple[str, ...]
    known: tuple[str, ...]

    @classmethod
    def of(cls, split: Iterable[str | None], known: Sequence[str] = CLASSES) -> Groups:
        """At least two groups are left for numbers of any class: the never leased, and the others."""
        return cls(tuple(sorted({name for name in split if name}))[: GROUPS_AT_MOST - 2], tuple(known))

    @property
    def count(self) -> int:
        return min(GROUPS_AT_MOST, len(self.fixed) + 1 + len(self.known))

    def own(self, source_class: str) -> int:
        """The group of the numbers of this class, 0 when there is none."""
        return self.fixed.index(source_class) + 1 if source_class in self.fixed else 0

    def last_leased(self, source_class: str | None) -> int:
        """The group of a number for any class that was leased to this class last; None: never."""
        first = len(self.fixed) + 1
        if source_class is None:
            return first
        others = self.count - first
        is_known = source_class in self.known
        index = self.known.index(source_class) if is_known else zlib.crc32(source_class.encode())
        return first + 1 + index % others

    def group_of(self, number_class: str | None, last_class: str | None) -> int:
        """A class beyond the last group joins it: the pool stays bounded, the number is not lost."""
        if number_class is None:
            return self.last_leased(last_class)
        return self.own(number_class) or len(self.fixed)
