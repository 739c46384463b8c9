"""Which lease made the phone ring: the order of evidence, and three confidences. Pure logic.

The order of evidence: the number's owner, valid extension digits, this caller on this number before, the caller known
as a visitor, a tap on the number seconds ago, the newest lease that has not brought its call yet, and last the owner
and the class of the number alone.

The office is never guessed: it is the one that the digits lead to, else the number's owner; `telephony.ownership` knows
who that is for a caller from before the number moved. Source and session are probabilities (`posterior`). What is too
unlikely is not stated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from callease.attribution.facts import LeaseFacts, Memory, Question
from callease.attribution.posterior import (
    CLASS_OF_NUMBER,
    STRANGER,
    Posterior,
    Share,
    posterior_of,
    posterior_of_code,
    seconds_since,
)
from callease.numbers.damage import REMEMBERED
from callease.numbers.delays import DelayCurves

# A best guess below is no statement. In replays lower limits for the session turned more calls right than wrong.
SOURCE_STATED_FROM, SESSION_STATED_FROM = 0.3, 0.1
# Only a dialled code is proof: anything else may be another person with the same number before their eyes.
_CERTAIN_AT_MOST = 0.9995
_REMEMBERED_FROM, _VISITORS_AT_MOST = 2e-3, 8
_CANDIDATES_SHOWN, _SHOWN_FROM = 5, 0.001


@dataclass(frozen=True)
class Step:
    """One piece of evidence, as a key of the texts and the values in it."""

    key: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolution:
    """`lease_id` and `source_class` are None when not stated; the confidences are then of the best guess.

    `candidates`: (lease, probability), most likely first. `spent`: (lease, probability) that this is the lease's first
    call. `memory`: what to believe of the caller from now on. `again_after`: seconds since the caller's first call and
    the probability that this is a further one; `first`: that it is the first one of any lease; for the learner.
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
    memory: Memory
    spent: tuple[tuple[LeaseFacts, float], ...] = ()
    again_after: tuple[float, float] | None = None
    first: float = 1.0


def resolve(question: Question, curves: DelayCurves) -> Resolution:
    if not question.caller_known:
        question = replace(question, on_this_number=None, anywhere=None)
    office_id, steps = _office(question)
    if question.extension:
        return _proven(question, question.extension, office_id, steps, curves)
    if question.digits:
        steps.append(Step("extension_unknown", {"extension": question.digits}))
    steps += _caller_steps(question)
    seen = question.on_this_number
    posterior = posterior_of(question, curves)
    best = posterior.shares[0] if posterior.shares else None
    session, by_class = posterior.session(), posterior.by_class()
    source_class, source = max(by_class.items(), key=lambda item: (item[1], item[0]), default=(None, 0.0))
    if best:
        steps += _lease_steps(question, posterior, best, session)
    elif not by_class:
        source_class, source = question.number_class, CLASS_OF_NUMBER if question.number_class else 0.0
        steps += _without_leases(question)
    stated = best is not None and session >= SESSION_STATED_FROM
    return Resolution(
        method=_method(question, best) if stated and best else "owner",
        office_id=office_id,
        lease_id=best.belief.lease_id if stated and best else None,
        source_class=source_class if source >= SOURCE_STATED_FROM else None,
        office=1.0,
        source=_rounded(source),
        session=_rounded(session),
        candidates=_candidates(posterior),
        steps=tuple(steps),
        memory=_memory(question, office_id, posterior),
        spent=_spent(posterior),
        again_after=_again_after(question, posterior),
        first=sum(each.first for each in posterior.shares) + (0.0 if seen else sum(posterior.unknown.values())),
    )


def _office(question: Question) -> tuple[str, list[Step]]:
    if question.extension:
        return question.extension.office_id, []
    return question.owner_office_id, [Step("number_owner", {"office": question.owner_office_id})]


def _proven(
    question: Question, lease: LeaseFacts, office_id: str, steps: list[Step], curves: DelayCurves
) -> Resolution:
    """Certain, unless the code had to be given again before it had rested: then late callers of others may dial it."""
    steps.append(Step("extension_match", {"extension": question.digits}))
    if question.extension_before:
        steps.append(Step("extension_given_again"))
    if not lease.consented:
        steps.append(Step("no_consent"))
    posterior = posterior_of_code(question, lease, curves)
    p = {share.belief.lease_id: share.p for share in posterior.shares}
    holders = (lease, *question.extension_before)
    session = p[lease.id]
    return Resolution(
        method="extension",
        office_id=office_id,
        lease_id=lease.id,
        source_class=lease.source_class,
        office=_proof(sum(p[each.id] for each in holders if each.office_id == office_id)),
        source=_proof(posterior.by_class()[lease.source_class]),
        session=_proof(session),
        candidates=((lease, _proof(session)),),
        steps=tuple(steps),
        memory=_memory(question, office_id, posterior),
        spent=_spent(posterior),
        again_after=_again_after(question, posterior),
        first=sum(each.first for each in posterior.shares),
    )


def _spent(posterior: Posterior) -> tuple[tuple[LeaseFacts, float], ...]:
    likely = (each for each in posterior.shares if each.first >= _REMEMBERED_FROM)
    return tuple((each.lease, each.first) for each in likely if each.lease)


def _candidates(posterior: Posterior) -> tuple[tuple[LeaseFacts, float], ...]:
    likely = (each for each in posterior.shares[:_CANDIDATES_SHOWN] if each.p >= _SHOWN_FROM)
    return tuple((each.lease, _rounded(each.p)) for each in likely if each.lease)


def _memory(question: Question, office_id: str, posterior: Posterior) -> Memory:
    """What was believed before counts for what this call leaves open."""
    named = [each for each in posterior.shares[:REMEMBERED] if each.p >= _REMEMBERED_FROM]
    unknown = dict(posterior.unknown)
    for each in posterior.shares[len(named) :]:
        unknown[each.belief.source_class] = unknown.get(each.belief.source_class, 0.0) + each.p
    visitors: dict[str, float] = {}
    for each in named:
        if each.belief.visitor:
            visitors[each.belief.visitor] = visitors.get(each.belief.visitor, 0.0) + each.p
    left = max(0.0, 1.0 - sum(visitors.values()))
    for visitor, p in (question.anywhere.visitors if question.anywhere else {}).items():
        visitors[visitor] = visitors.get(visitor, 0.0) + left * p
    likely = sorted(visitors.items(), key=lambda item: (-item[1], item[0]))[:_VISITORS_AT_MOST]
    seen = question.on_this_number
    began = seen.first_at if seen and sum(each.first for each in named) < 0.5 else question.at
    beliefs = tuple(replace(each.belief, p=each.p) for each in named)
    return Memory(office_id, began, question.at, beliefs, unknown, dict(likely))


def _again_after(question: Question, posterior: Posterior) -> tuple[float, float] | None:
    seen = question.on_this_number
    if seen is None:
        return None
    p = sum(each.again for each in posterior.shares) + sum(posterior.unknown.values())
    return seconds_since(question.at, seen.first_at), p


def _method(question: Question, best: Share) -> str:
    if best.again > best.first or question.on_this_number:
        return "caller" if question.caller_known else "lease"
    visitors = question.anywhere.visitors if question.anywhere else {}
    if best.belief.visitor and visitors.get(best.belief.visitor, 0.0) > STRANGER:
        return "caller"
    return "dial" if best.lease and best.lease.tapped(question.at) else "lease"


def _caller_steps(question: Question) -> list[Step]:
    if not question.caller_known:
        return [Step("caller_hidden")]
    if seen := question.on_this_number:
        return [Step("caller_seen_number", {"days": (question.at - seen.at).days})]
    anywhere = question.anywhere
    own = anywhere.visitors if anywhere else {}
    if anywhere and any(lease.visitor in own for lease in question.leases):
        return [Step("caller_seen_visitor", {"days": (question.at - anywhere.at).days})]
    return [Step("caller_new")]


def _lease_steps(question: Question, posterior: Posterior, best: Share, session: float) -> list[Step]:
    steps: list[Step] = []
    lease = best.lease
    if lease is None:
        return steps
    if lease.dialled_at and lease.tapped(question.at):
        steps.append(Step("dial_tap", {"seconds": max(0, round((question.at - lease.dialled_at).total_seconds()))}))
    if best.first >= best.again:
        age = round(seconds_since(question.at, lease.leased_at))
        steps.append(Step("lease_newest", {"age_seconds": age, "p": _rounded(session)}))
    rivals = sum(1 for each in posterior.shares[1:] if each.p >= 0.01)
    spent = sum(1 for each in question.leases if each.unspent < 0.5)
    if rivals:
        steps.append(Step("leases_compete", {"count": rivals}))
    if spent:
        steps.append(Step("lease_spent", {"count": spent}))
    if lease.kind == "shared":
        steps.append(Step("lease_shared"))
    if lease.borrowed:
        steps.append(Step("lease_borrowed", {"class": lease.source_class}))
    if not lease.consented:
        steps.append(Step("no_consent"))
    return steps


def _without_leases(question: Question) -> list[Step]:
    """A number for any class is said to be mixed: which class called is not guessed."""
    if question.number_class:
        return [Step("no_lease"), Step("class_of_number", {"source_class": question.number_class})]
    return [Step("no_lease"), Step("mixed_number")]


def _proof(share: float) -> float:
    """Certain only where nobody else may have dialled the code."""
    return 1.0 if share > 1 - 1e-9 else _rounded(share)


def _rounded(share: float) -> float:
    return round(min(share, _CERTAIN_AT_MOST), 4)
