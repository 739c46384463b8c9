"""A lease of a number of the office's own, or of one with a code: which of them a visitor gets (ADR 13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from callease.base.errors import Conflict
from callease.base.group_commit import Row
from callease.numbers.extensions import Asked, Coded, Extensions
from callease.numbers.pool import Held
from callease.numbers.roads import CodeNumber, Roads

ByNumber = Callable[[Callable[[Held], Sequence[Row]]], Held]
_WOULD_SHARE = "would_share"


class ExtendedNumbers:
    def __init__(self, roads: Roads, extensions: Extensions) -> None:
        self._roads = roads
        self._extensions = extensions

    def lease(self, asked: Asked, rows: Callable[[Held | Coded], Sequence[Row]], by_number: ByNumber) -> Held | Coded:
        """`by_number` leases a number of the office's own, and raises as this does: see `NumberPool.lease`.

        An office without such numbers gives codes. One that has them gives a code of its own before a number would be
        shared, and no other: behind anybody else's number a caller who dials no code would not reach the office.
        """
        road = self._roads.of(asked.request.office_id).seen_by(asked.visitor or asked.request.subject)
        if not road.numbers:
            return by_number(rows)
        if not road.leases:
            others, numbers = road.numbers[1:], road.nearest()
            return self._kept(others, asked, rows) or self._extensions.lease(numbers, asked, rows) or by_number(rows)
        return self._kept(road.numbers, asked, rows) or self._own(road.own(), asked, rows, by_number)

    def _kept(
        self, numbers: Sequence[CodeNumber], asked: Asked, rows: Callable[[Coded], Sequence[Row]]
    ) -> Coded | None:
        """Whoever holds a code keeps it, whatever numbers and budgets there are by now."""
        unguarded = replace(asked.request, guard=None)
        return self._extensions.lease(numbers, Asked(unguarded, asked.visitor, held_only=True), rows)

    def _own(
        self,
        numbers: Sequence[CodeNumber],
        asked: Asked,
        rows: Callable[[Held | Coded], Sequence[Row]],
        by_number: ByNumber,
    ) -> Held | Coded:
        def unless_shared(held: Held) -> Sequence[Row]:
            if held.new and held.outcome == "shared":
                raise Conflict(_WOULD_SHARE)  # the pool takes the lease back
            return rows(held)

        if numbers:
            try:
                return by_number(unless_shared)
            except Conflict as error:
                if error.code != _WOULD_SHARE:
                    raise
        return self._extensions.lease(numbers, asked, rows) or by_number(rows)
