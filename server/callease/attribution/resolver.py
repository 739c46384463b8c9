"""Which lease made the phone ring: the order of evidence, and three confidences kept apart. Pure logic.

The order: valid extension digits, this caller on this number before, the caller known as a visitor, a tap on the number
seconds ago, the newest lease that has not brought its call yet, and last the owner and the class of the number alone.

The office is never guessed: it follows from the digits, from who owned the number when this caller first rang, or from
the number's owner. Source and session are probabilities; what is less likely than not is not stated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# The delay from showing a number to the first call, before an installation has a log of its own to fit it from: most
# callers ring within minutes, some days later. A mixture of two exponentials, as density a second.
_CALL_RATE = 0.4
_SOON_SHARE, _SOON_SECONDS = 0.85, 240.0
_LATE_SECONDS = 2 * 86_400.0
# Calls that no lease explains (misdials, numbers copied elsewhere): about two a year on one number.
_UNEXPLAINED_PER_SECOND = 1 / (180 * 86_400)
# A lease that brought its call hardly brings another caller; one who hides the number may be the same again.
_SPENT, _SPENT_HIDDEN = 0.02, 0.3
# A tap on `tel:` and a call within this time belong together unless somebody else tapped too.
_TAP_SECONDS, _TAP_LIKELIHOOD = 60.0, 400.0
# What the number's own class is worth without any lease near: numbers are lent to other classes now and then.
_CLASS_OF_NUMBER = 0.8
_CALLER_IS_VISITOR = 0.97
_STATED_FROM = 0.5
# Only a dialled code is proof: anything else may be another person with the same number before their eyes.
_CERTAIN_AT_MOST = 0.999
CANDIDATES_AT_MOST = 48


@dataclass(frozen=True)
class LeaseFacts:
    """A lease on the called number; `spent`: another caller rang because of it already."""

    id: str
    office_id: str
    site_id: str
    listing_id: str | None
    visitor: str | None
    source_class: str
    leased_at: datetime
    kind: str = "dynamic"
    borrowed: bool = False
    consented: bool = True
    spent: bool = False
    dialled_at: datetime | None = None


@dataclass(frozen=True)
class Memory:
    """What was believed of an earlier call of the same caller."""

    office_id: str
    lease_id: str | None
    visitor: str | None
    source_class: str | None
    source_confidence: float
    session_confidence: float
    at: datetime


@dataclass(frozen=True)
class Question:
    """Everything known at the moment `at` of a call to one number.

    `leases`: newest first, at most 48, none later than `at`. `on_this_number`: the caller's last call to this number,
    `as_visitor`: the caller's last call anywhere that was tied to a visitor. `extension`: the lease whose code was
    dialled; `digits` without it were no valid code.
    """

    at: datetime
    owner_office_id: str
    owner_since: datetime
    number_class: str | None
    caller_known: bool
    leases: Sequence[LeaseFacts] = ()
    on_this_number: Memory | None = None
    as_visitor: Memory | None = None
    digits: str | None = None
    extension: LeaseFacts | None = None


@dataclass(frozen=True)
class Step:
    """One piece of evidence, as a key of the texts and the values in it."""

    key: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolution:
    """`lease_id` and `source_class` are None when not stated; the confidences are then of the best guess.

    `candidates`: (lease, probability), most likely first.
    """

    method: str
    office_id: str
    lease_id: str | None
    source_class: str | None
    office: float
    source: float
    session: float
    candidates: tuple[tuple[LeaseFacts, float], ...]
    steps: tuple[Step, ...]


def resolve(question: Question) -> Resolution:
    office_id, steps = _office(question)
    if question.extension:
        lease = question.extension
        steps.append(Step("extension_match", {"extension": question.digits}))
        return _of_one(question, "extension", office_id, lease, lease.source_class, 1.0, 1.0, steps)
    if question.digits:
        steps.append(Step("extension_unknown", {"extension": question.digits}))
    if not question.caller_known:
        steps.append(Step("caller_hidden"))
    elif resolution := _by_memory(question, office_id, steps):
        return resolution
    else:
        steps.append(Step("caller_new"))
    return _by_leases(question, office_id, steps)


def _office(question: Question) -> tuple[str, list[Step]]:
    if question.extension:
        return question.extension.office_id, []
    seen = question.on_this_number if question.caller_known else None
    if seen and seen.at < question.owner_since and seen.office_id != question.owner_office_id:
        return seen.office_id, [Step("moved_number", {"office": seen.office_id})]
    return question.owner_office_id, [Step("number_owner", {"office": question.owner_office_id})]


def _by_memory(question: Question, office_id: str, steps: list[Step]) -> Resolution | None:
    seen = question.on_this_number
    if seen:
        steps.append(Step("caller_seen_number", {"days": (question.at - seen.at).days}))
        newer = _newest_of(question, seen.visitor, after=seen.at)
        if newer:
            return _of_visitor(question, office_id, newer, seen.session_confidence, steps)
        if seen.session_confidence < _STATED_FROM:
            return None  # we did not know then; today's leases may know better
        remembered = next((lease for lease in question.leases if lease.id == seen.lease_id), None)
        return _of_one(
            question,
            "caller",
            office_id,
            remembered,
            seen.source_class,
            seen.source_confidence,
            seen.session_confidence,
            steps,
            seen.lease_id,
        )
    visitor = question.as_visitor
    if visitor and (lease := _newest_of(question, visitor.visitor)):
        steps.append(Step("caller_seen_visitor", {"days": (question.at - visitor.at).days}))
        return _of_visitor(question, office_id, lease, visitor.session_confidence, steps)
    return None


def _newest_of(question: Question, visitor: str | None, after: datetime | None = None) -> LeaseFacts | None:
    if visitor is None:
        return None
    own = (lease for lease in question.leases if lease.visitor == visitor)
    newer = (lease for lease in own if after is None or lease.leased_at > after)
    return max(newer, key=lambda lease: (lease.leased_at, lease.id), default=None)


def _of_visitor(
    question: Question, office_id: str, lease: LeaseFacts, believed: float, steps: list[Step]
) -> Resolution:
    p = _CALLER_IS_VISITOR * believed
    others = _posterior(question)
    source = p + (1 - p) * sum(share for other, share in others if other.source_class == lease.source_class)
    return _of_one(question, "caller", office_id, lease, lease.source_class, source, p, steps)


def _of_one(
    question: Question,
    method: str,
    office_id: str,
    lease: LeaseFacts | None,
    source_class: str | None,
    source: float,
    session: float,
    steps: list[Step],
    lease_id: str | None = None,
) -> Resolution:
    """A resolution whose evidence points at one lease; `lease_id` alone when the lease itself is long gone."""
    if lease and not lease.consented:
        steps.append(Step("no_consent"))
    return Resolution(
        method=method,
        office_id=office_id,
        lease_id=(lease.id if lease else lease_id) if session >= _STATED_FROM else None,
        source_class=source_class if source >= _STATED_FROM else None,
        office=1.0,
        source=_rounded(source, method),
        session=_rounded(session, method),
        candidates=((lease, _rounded(session, method)),) if lease else (),
        steps=tuple(steps),
    )


def _by_leases(question: Question, office_id: str, steps: list[Step]) -> Resolution:
    shares = _posterior(question)
    if not shares:
        return _by_number_alone(question, office_id, steps)
    by_class: dict[str, float] = {}
    for lease, share in shares:
        by_class[lease.source_class] = by_class.get(lease.source_class, 0.0) + share
    if question.number_class:
        left = max(0.0, 1.0 - sum(by_class.values()))
        by_class[question.number_class] = by_class.get(question.number_class, 0.0) + left * _CLASS_OF_NUMBER
    source_class, source = max(by_class.items(), key=lambda item: item[1])
    best, session = shares[0]
    tapped = _tapped(best, question.at)
    stated = session >= _STATED_FROM
    steps += _lease_steps(question, shares, tapped)
    return Resolution(
        method=("dial" if tapped else "lease") if stated else "owner",
        office_id=office_id,
        lease_id=best.id if stated else None,
        source_class=source_class if source >= _STATED_FROM else None,
        office=1.0,
        source=_rounded(source),
        session=_rounded(session),
        candidates=tuple((lease, _rounded(share)) for lease, share in shares[:5] if share >= 0.001),
        steps=tuple(steps),
    )


def _by_number_alone(question: Question, office_id: str, steps: list[Step]) -> Resolution:
    steps.append(Step("no_lease"))
    source = 0.0
    if question.number_class:
        steps.append(Step("class_of_number", {"source_class": question.number_class}))
        source = _CLASS_OF_NUMBER
    return Resolution(
        "owner", office_id, None, question.number_class, 1.0, source, 0.0, candidates=(), steps=tuple(steps)
    )


def _lease_steps(question: Question, shares: Sequence[tuple[LeaseFacts, float]], tapped: bool) -> list[Step]:
    best, session = shares[0]
    steps = []
    if tapped and best.dialled_at:
        seconds = max(0, round((question.at - best.dialled_at).total_seconds()))
        steps.append(Step("dial_tap", {"seconds": seconds}))
    age = round((question.at - best.leased_at).total_seconds())
    steps.append(Step("lease_newest", {"age_seconds": max(0, age), "p": _rounded(session)}))
    rivals = sum(1 for _, share in shares[1:] if share >= 0.01)
    spent = sum(1 for lease, _ in shares if lease.spent)
    if rivals:
        steps.append(Step("leases_compete", {"count": rivals}))
    if spent:
        steps.append(Step("lease_spent", {"count": spent}))
    if best.kind == "shared":
        steps.append(Step("lease_shared"))
    if best.borrowed:
        steps.append(Step("lease_borrowed", {"class": best.source_class}))
    if not best.consented:
        steps.append(Step("no_consent"))
    return steps


def _posterior(question: Question) -> list[tuple[LeaseFacts, float]]:
    """Each lease's share of this call, most likely first; what is missing from 1 is "none of them"."""
    weights = [(lease, _weight(question, lease)) for lease in question.leases[:CANDIDATES_AT_MOST]]
    total = sum(weight for _, weight in weights) + _UNEXPLAINED_PER_SECOND
    shares = [(lease, weight / total) for lease, weight in weights]
    return sorted(shares, key=lambda item: (-item[1], -item[0].leased_at.timestamp(), item[0].id))


def _weight(question: Question, lease: LeaseFacts) -> float:
    """Density, a second, of this lease's first call at the moment of the question."""
    age = max(0.0, (question.at - lease.leased_at).total_seconds())
    weight = _CALL_RATE * (
        _SOON_SHARE / _SOON_SECONDS * math.exp(-age / _SOON_SECONDS)
        + (1 - _SOON_SHARE) / _LATE_SECONDS * math.exp(-age / _LATE_SECONDS)
    )
    if lease.spent:
        weight *= _SPENT if question.caller_known else _SPENT_HIDDEN
    if _tapped(lease, question.at):
        weight *= _TAP_LIKELIHOOD
    return weight


def _rounded(share: float, method: str = "lease") -> float:
    return round(share if method == "extension" else min(share, _CERTAIN_AT_MOST), 4)


def _tapped(lease: LeaseFacts, at: datetime) -> bool:
    if lease.dialled_at is None:
        return False
    # The tap's report and the call travel on different roads: the call may arrive a few seconds before it.
    return -10.0 <= (at - lease.dialled_at).total_seconds() <= _TAP_SECONDS
