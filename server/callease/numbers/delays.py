"""How long after a number was shown its visitor calls, and calls again: curves, and how they are learnt. Pure logic.

A lease that has not brought a call is a Poisson source of first calls whose rate falls with its age as a mixture of
exponentials; a visitor who called is a source of further calls in the same way. The weights are learnt by expectation
maximisation: calls of a component, by their probability, over its exposure. Leases cut short, by the present or by
another caller, count with the exposure that they had, as in the estimator of Kaplan and Meier (1958, JASA 53).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from math import exp, log2
from typing import Any

FIRST_SECONDS = (200.0, 1_200.0, 7_200.0, 43_200.0, 259_200.0, 1_382_400.0)
AGAIN_SECONDS = (21_600.0, 129_600.0, 777_600.0)
# Of a new installation: two of five call, most of them within minutes; half of the callers ring once more.
_FIRST = (0.25, 0.10, 0.04, 0.04, 0.03, 0.015)
_AGAIN = (0.15, 0.20, 0.15)
_HIDDEN = 0.04
# What that is worth: so many leases, so many calls.
_LEASES, _CALLS = 60.0, 12.0
# Rates are kept by age, eight steps an octave from 16 seconds on, to sixteen million seconds.
_UNIT_SECONDS, _STEPS, _OCTAVES = 16.0, 8, 20
# Half octaves of age, to 2.3 hours: most calls come there, and no mixture of few exponentials has just their shape.
_YOUNG, _YOUNG_STEPS = 18, 4
_YOUNG_CALLS = 20.0


def _step(age_seconds: float) -> int:
    return min(_STEPS * _OCTAVES - 1, int(_STEPS * log2(max(0.0, age_seconds) / _UNIT_SECONDS + 1)))


def _age(step: float) -> float:
    return _UNIT_SECONDS * (2 ** (step / _STEPS) - 1)


_AGES = [_age(step + 0.5) for step in range(_STEPS * _OCTAVES)]
_WIDTHS = [_age(step + 1) - _age(step) for step in range(_YOUNG * _YOUNG_STEPS)]


@dataclass(frozen=True)
class DelayCurves:
    """`first`: calls that a lease brings, `again`: further calls of a caller, by the component of each time constant.

    `hidden`: the share of callers who hide their number. `young`: first calls counted of each of the youngest half
    octaves of age, over those that `first` makes one expect.
    """

    first: tuple[float, ...] = _FIRST
    again: tuple[float, ...] = _AGAIN
    hidden: float = _HIDDEN
    young: tuple[float, ...] = (1.0,) * _YOUNG

    @cached_property
    def _mixture(self) -> list[float]:
        return [sum(_parts(self.first, FIRST_SECONDS, age)) for age in _AGES]

    @cached_property
    def _first_rates(self) -> list[float]:
        corrected = [factor for factor in self.young for _ in range(_YOUNG_STEPS)]
        corrected += [1.0] * (len(_AGES) - len(corrected))
        return [rate * factor for rate, factor in zip(self._mixture, corrected, strict=True)]

    @cached_property
    def _again_rates(self) -> list[float]:
        return [sum(_parts(self.again, AGAIN_SECONDS, age)) for age in _AGES]

    def first_rate(self, age_seconds: float) -> float:
        """First calls a second of a lease of this age that has not brought one."""
        return self._first_rates[_step(age_seconds)]

    def again_rate(self, age_seconds: float) -> float:
        """Further calls a second, so long after the first one."""
        return self._again_rates[_step(age_seconds)]

    def first_call_age(self, intensity: float) -> float | None:
        """The age at which so much of a lease's intensity of first calls has gone by; None: never that much.

        With an exponential `intensity` of mean 1 it is the age of a drawn lease's first call.
        """
        return _age_of(self._first_sums, intensity)

    def again_age(self, intensity: float) -> float | None:
        """The same of further calls, so long after the first one."""
        return _age_of(self._again_sums, intensity)

    @cached_property
    def _first_sums(self) -> list[float]:
        return _sums(self._first_rates)

    @cached_property
    def _again_sums(self) -> list[float]:
        return _sums(self._again_rates)

    def young_calls(self) -> list[float]:
        """First calls that a lease brings in each of the youngest half octaves of its age, as the mixture has it."""
        calls, left = [0.0] * _YOUNG, 1.0
        for step, width in enumerate(_WIDTHS):
            part = left * (1 - exp(-self._mixture[step] * width))
            calls[step // _YOUNG_STEPS] += part
            left -= part
        return calls

    def still_to_come(self, age_seconds: float) -> float:
        """First calls that a lease of this age may yet bring."""
        return sum(share * exp(-age_seconds / tau) for share, tau in zip(self.first, FIRST_SECONDS, strict=True))


def _sums(rates: Sequence[float]) -> list[float]:
    """What has gone by at the end of each step of age."""
    return list(accumulate(rate * (_age(step + 1) - _age(step)) for step, rate in enumerate(rates)))


def _age_of(sums: Sequence[float], intensity: float) -> float | None:
    step = bisect_left(sums, intensity)
    if step == len(sums):
        return None
    before = sums[step - 1] if step else 0.0
    part = (intensity - before) / (sums[step] - before)
    return _age(step) + part * (_age(step + 1) - _age(step))


def _parts(shares: Sequence[float], taus: Sequence[float], age: float) -> list[float]:
    return [share / tau * exp(-age / tau) for share, tau in zip(shares, taus, strict=True)]


@dataclass
class _Component:
    """A mixture's sums: calls by their component, and the exposure of what may yet bring one."""

    prior: tuple[float, ...]
    taus: tuple[float, ...]
    calls: list[float] = field(default_factory=list)
    sources: float = 0.0
    pending: list[float] = field(default_factory=list)
    removed: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        for sums in (self.calls, self.pending, self.removed):
            sums.extend([0.0] * len(self.taus))

    def decay(self, seconds: float) -> None:
        self.pending = [sum_ * exp(-seconds / tau) for sum_, tau in zip(self.pending, self.taus, strict=True)]

    def begin(self, weight: float) -> None:
        self.sources += weight
        self.pending = [sum_ + weight for sum_ in self.pending]

    def call(self, shares: Sequence[float], age: float, weight: float) -> None:
        parts = _parts(shares, self.taus, age)
        whole = sum(parts) or 1.0
        self.calls = [sum_ + weight * part / whole for sum_, part in zip(self.calls, parts, strict=True)]

    def end(self, age: float, weight: float) -> None:
        """A source is exposed no more."""
        left = [weight * exp(-age / tau) for tau in self.taus]
        self.removed = [sum_ + part for sum_, part in zip(self.removed, left, strict=True)]
        self.pending = [max(0.0, sum_ - part) for sum_, part in zip(self.pending, left, strict=True)]

    def fit(self) -> tuple[float, ...]:
        return tuple(
            (prior * _LEASES + calls) / (_LEASES + max(0.0, self.sources - pending - removed))
            for prior, calls, pending, removed in zip(self.prior, self.calls, self.pending, self.removed, strict=True)
        )


class DelayLearner:
    """Sums over everything that was told, in the order of time; `curves()` is what follows from them."""

    def __init__(self) -> None:
        self._first = _Component(_FIRST, FIRST_SECONDS)
        self._again = _Component(_AGAIN, AGAIN_SECONDS)
        self._young = [0.0] * _YOUNG
        self._hidden, self._callers = _HIDDEN * _CALLS, _CALLS
        self._at: datetime | None = None
        self._curves = DelayCurves()

    def _advance(self, at: datetime) -> None:
        if self._at is not None and at > self._at:
            seconds = (at - self._at).total_seconds()
            self._first.decay(seconds)
            self._again.decay(seconds)
        self._at = max(at, self._at or at)

    def leased(self, at: datetime) -> None:
        self._advance(at)
        self._first.begin(1.0)

    def called(self, at: datetime, ages: Sequence[tuple[float, float]], hidden: bool, share: float = 1.0) -> None:
        """A first call; `ages`: (seconds since the lease, probability that it is this lease's call).

        `share`: the probability that it is a first call at all, which leases too unlikely to be named have a part in.
        """
        self._advance(at)
        scale = share / (sum(weight for _, weight in ages) or 1.0)
        for age, weight in ((age, weight * scale) for age, weight in ages):
            self._first.call(self._curves.first, age, weight)
            self._first.end(age, weight)
            half_octave = _step(age) // _YOUNG_STEPS
            if half_octave < _YOUNG:
                self._young[half_octave] += weight
        self._callers += share
        self._hidden += share if hidden else 0.0
        if not hidden:
            self._again.begin(share)

    def called_again(self, at: datetime, age: float, weight: float) -> None:
        """A further call, `age` seconds after the caller's first one, with this probability."""
        self._advance(at)
        self._again.call(self._curves.again, age, weight)

    def state(self) -> dict[str, Any]:
        """Everything that was learnt, as JSON; `of_state` reads it back."""
        at = self._at.isoformat() if self._at else None
        parts = {name: asdict(part) for name, part in (("first", self._first), ("again", self._again))}
        return parts | {"young": self._young, "hidden": self._hidden, "callers": self._callers, "at": at}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> DelayLearner:
        learner = cls()
        for part, name in ((learner._first, "first"), (learner._again, "again")):
            for sums in ("calls", "pending", "removed", "sources"):
                setattr(part, sums, state[name][sums])
        learner._young = list(state["young"])
        learner._hidden, learner._callers = state["hidden"], state["callers"]
        learner._at = datetime.fromisoformat(state["at"]) if state["at"] else None
        learner.curves()
        return learner

    def curves(self) -> DelayCurves:
        fitted = DelayCurves(self._first.fit(), self._again.fit(), self._hidden / self._callers)
        young = (
            (counted + _YOUNG_CALLS) / (self._first.sources * expected + _YOUNG_CALLS)
            for counted, expected in zip(self._young, fitted.young_calls(), strict=True)
        )
        self._curves = replace(fitted, young=tuple(young))
        return self._curves
