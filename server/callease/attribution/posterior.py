"""How likely each lease is to have made the phone ring: rates, shares of them, their sums. Pure logic.

Each lease has a rate of bringing this call at this moment (`DelayCurves`), weighed by what is known of its visitor and
of earlier calls; its share of all rates is its probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from callease.attribution.facts import Belief, LeaseFacts, Memory, Question
from callease.numbers.damage import REMEMBERED
from callease.numbers.delays import FIRST_SECONDS, DelayCurves

# Calls that no lease explains (misdials, numbers copied elsewhere), a second: one in ten years on one number.
_UNEXPLAINED = 1 / (10 * 365 * 86_400)
# A phone that is tied to other visitors calls for this one all the same: somebody else's, or a second browser.
STRANGER = 2e-3
_TAP_LIKELIHOOD = 400.0
# What the number's own class is worth without any lease near: numbers are lent to other classes now and then.
CLASS_OF_NUMBER = 0.8
_NAMED_FROM = 1e-4


@dataclass(frozen=True)
class Share:
    """A lease's part of this call: `first`, as its first call; `again`, as a further call of one who has called."""

    belief: Belief
    lease: LeaseFacts | None
    first: float
    again: float

    @property
    def p(self) -> float:
        return self.first + self.again


@dataclass(frozen=True)
class Posterior:
    """Shares most likely first; `unknown`: of each class what no named lease has; both with 'none of them' make 1."""

    shares: Sequence[Share]
    unknown: Mapping[str, float]

    def by_class(self) -> dict[str, float]:
        of = dict(self.unknown)
        for share in self.shares:
            of[share.belief.source_class] = of.get(share.belief.source_class, 0.0) + share.p
        return of

    def session(self) -> float:
        """Of the best lease, together with the same visitor's other leases of the listing."""
        if not self.shares:
            return 0.0
        best = self.shares[0].belief
        if best.visitor is None:
            return self.shares[0].p
        own = (each for each in self.shares if each.belief.visitor == best.visitor)
        return sum(each.p for each in own if each.belief.listing_id == best.listing_id)


def posterior_of(question: Question, curves: DelayCurves) -> Posterior:
    """Of a call without a valid extension."""
    seen = question.on_this_number
    if seen and (seen.leases or seen.unknown):
        return _of_known_caller(question, seen, curves)
    return _of_new_caller(question, curves)


def posterior_of_code(question: Question, newest: LeaseFacts, curves: DelayCurves) -> Posterior:
    """Of a call with a code that `newest` has, and `question.extension_before` had.

    Whoever has rung because of such a lease before, rings again.
    """
    seen = question.on_this_number
    rang = {belief.lease_id: belief.p for belief in seen.leases} if seen else {}
    rates = [
        (lease, lease.unspent * curves.first_rate(seconds_since(question.at, lease.leased_at)))
        for lease in (newest, *question.extension_before)
    ]
    total = sum(rate for _, rate in rates)
    if not question.extension_before or not total:
        rates, total = [(newest, 1.0)], 1.0
    shares = []
    for lease, rate in rates:
        again = rang.get(lease.id, 0.0)
        shares.append(Share(belief_of(lease, 0.0), lease, rate / total * (1 - again), rate / total * again))
    return Posterior(shares, {})


def _of_new_caller(question: Question, curves: DelayCurves) -> Posterior:
    """One who has not rung this number before, or hides: the first call of a lease, or a hidden caller's next one."""
    visitors = question.anywhere.visitors if question.anywhere else {}
    # One person among all visitors: that a known phone is this stranger's is unlikely from the start.
    anybody = STRANGER if visitors else 1.0
    if not question.caller_known:
        anybody = max(curves.hidden, 1e-4)
    rates = []
    for lease in question.leases:
        of_visitor = visitors.get(lease.visitor, 0.0) if lease.visitor else 0.0
        # Who the caller is goes before a tap: a tap that may be somebody else's makes nobody a stranger.
        tapped = lease.tapped(question.at) and (of_visitor > 0 or not visitors)
        first = _first_rate(question, lease, curves, tapped) * lease.unspent
        first *= anybody * (1 - lease.known) + of_visitor
        again = 0.0
        if lease.hidden and lease.hidden_at and not question.caller_known:
            again = lease.hidden * curves.again_rate(seconds_since(question.at, lease.hidden_at))
        rates.append((lease, first, again))
    older = {name: each * anybody for name, each in _older(question, curves).items()}
    shares = _named(rates, older)
    return _normal(question, shares, older, _UNEXPLAINED * anybody)


def _of_known_caller(question: Question, seen: Memory, curves: DelayCurves) -> Posterior:
    """A further call because of the remembered leases, or the first call of a newer one."""
    again = curves.again_rate(seconds_since(question.at, seen.first_at))
    visitors = question.anywhere.visitors if question.anywhere else seen.visitors
    of_visitor: dict[str, float] = {}
    for belief in seen.leases:
        if belief.visitor:
            of_visitor[belief.visitor] = of_visitor.get(belief.visitor, 0.0) + belief.p
    known = {lease.id: lease for lease in question.leases}
    shares, since = [], []
    for belief in seen.leases:
        factor = 1.0
        if belief.visitor and belief.visitor in visitors:
            # Believed more, or less, since; never quite less: who has rung with one browser and then another is both.
            factor = (visitors[belief.visitor] + STRANGER) / (of_visitor[belief.visitor] + STRANGER)
        since.append(factor)
        shares.append(Share(belief, known.get(belief.lease_id), 0.0, again * belief.p * factor))
    # What speaks against all who are remembered speaks for nobody who is not.
    others = min(1.0, max(since, default=1.0))
    remembered = {belief.lease_id for belief in seen.leases}
    for lease in question.leases:
        weight = visitors.get(lease.visitor, 0.0) if lease.visitor else 0.0
        if weight and lease.shown_at > seen.first_at and lease.id not in remembered:
            rate = _first_rate(question, lease, curves, lease.tapped(question.at)) * lease.unspent * weight
            shares.append(Share(belief_of(lease, 0.0), lease, rate, 0.0))
    unknown = {name: p * again * others for name, p in seen.unknown.items()}
    believed = sum(belief.p for belief in seen.leases) + sum(seen.unknown.values())
    unexplained = again * max(0.0, 1.0 - believed) * others + _UNEXPLAINED * STRANGER
    return _normal(question, shares, unknown, unexplained)


def _named(rates: Sequence[tuple[LeaseFacts, float, float]], unnamed: dict[str, float]) -> list[Share]:
    """The leases that may matter; what the others have goes to their classes in `unnamed`."""
    least = _NAMED_FROM * max((first + again for _, first, again in rates), default=0.0)
    shares = []
    for lease, first, again in rates:
        if first + again > least:
            shares.append(Share(belief_of(lease, 0.0), lease, first, again))
        else:
            unnamed[lease.source_class] = unnamed.get(lease.source_class, 0.0) + first + again
    return shares


def _first_rate(question: Question, lease: LeaseFacts, curves: DelayCurves, tapped: bool) -> float:
    rate = curves.first_rate(seconds_since(question.at, lease.shown_at))
    return rate * _TAP_LIKELIHOOD if tapped else rate


def _older(question: Question, curves: DelayCurves) -> dict[str, float]:
    """The rate, by class, of leases beyond the 48 that are named, as if they had come as often as those."""
    leases = question.leases
    if len(leases) < REMEMBERED:
        return {}
    age = max(1.0, seconds_since(question.at, leases[-1].leased_at))
    each = sum(share * math.exp(-age / tau) for share, tau in zip(curves.first, FIRST_SECONDS, strict=True)) / age
    by_class: dict[str, float] = {}
    for lease in leases:
        by_class[lease.source_class] = by_class.get(lease.source_class, 0.0) + each
    return by_class


def _normal(question: Question, rates: Sequence[Share], unknown: Mapping[str, float], unexplained: float) -> Posterior:
    total = sum(each.p for each in rates) + sum(unknown.values()) + unexplained
    shares = [Share(each.belief, each.lease, each.first / total, each.again / total) for each in rates if each.p > 0]
    shares.sort(key=lambda each: (-each.p, each.belief.lease_id))
    of = {name: rate / total for name, rate in unknown.items() if rate > 0}
    if question.number_class and shares:
        of[question.number_class] = of.get(question.number_class, 0.0) + unexplained / total * CLASS_OF_NUMBER
    return Posterior(shares, of)


def belief_of(lease: LeaseFacts, p: float) -> Belief:
    return Belief(lease.id, lease.visitor, lease.listing_id, lease.source_class, p)


def seconds_since(at: datetime, since: datetime) -> float:
    return max(0.0, (at - since).total_seconds())
