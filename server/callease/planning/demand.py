"""Reveals by office and source class, as counted so far and as expected before anything was counted. Pure logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# The stated weights are believed like so many reveals of an average office, and only in part: they may be stale.
_WEIGHT_REVEALS = 6.0
_WEIGHTS_BELIEVED = 0.7
# An office's own mix of classes is believed like so many reveals of the common mix.
_MIX_REVEALS = 3.0
_SPAN_AT_LEAST_SECONDS = 3_600.0


class Demand:
    """`weights`: shares of the reveals that are expected of each office, in any unit."""

    def __init__(self, offices: Sequence[str], classes: Sequence[str], weights: Mapping[str, float]) -> None:
        self._offices = list(offices)
        self._classes = list(classes)
        total = sum(max(0.0, weights.get(office, 0.0)) for office in offices)
        even = 1 / len(offices)
        self._prior = {
            office: (1 - _WEIGHTS_BELIEVED) * even
            + _WEIGHTS_BELIEVED * (max(0.0, weights.get(office, 0.0)) / total if total else even)
            for office in offices
        }
        self._counted = {office: dict.fromkeys(classes, 0.0) for office in offices}

    def count(self, office: str, source_class: str) -> None:
        of = self._counted[office]
        of[source_class] = of.get(source_class, 0.0) + 1.0

    def rates(self, span_seconds: float) -> list[dict[str, float]]:
        """Reveals a second by class, of each office in order, when what was counted came within `span_seconds`."""
        totals = {office: sum(of.values()) for office, of in self._counted.items()}
        total, strength = sum(totals.values()), _WEIGHT_REVEALS * len(self._offices)
        by_class = dict.fromkeys(self._classes, 1.0)
        for of in self._counted.values():
            for name, count in of.items():
                by_class[name] = by_class.get(name, 1.0) + count
        of_all = sum(by_class.values())
        a_second = (total + 1.0) / max(span_seconds, _SPAN_AT_LEAST_SECONDS)
        rates = []
        for office in self._offices:
            share = (totals[office] + strength * self._prior[office]) / (total + strength)
            of, whole = self._counted[office], totals[office] + _MIX_REVEALS
            mix = {name: (of.get(name, 0.0) + _MIX_REVEALS * by_class[name] / of_all) / whole for name in by_class}
            rates.append({name: share * a_second * part for name, part in mix.items()})
        return rates
