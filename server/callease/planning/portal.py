"""What the planner knows of a portal: who asks for whose numbers, and who owns which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.orm import Session

from callease.attribution.models import CallerMemory
from callease.catalog.models import Office, Site
from callease.numbers.damage import COSTS
from callease.numbers.models import Lease, Number
from callease.numbers.states import NumberState
from callease.planning.holdings import MONTH_SECONDS, costs_of_sites
from callease.planning.models import WINDOW, StoredProposal
from callease.planning.observed import Observed, observed
from callease.planning.price import Price, usual_price
from callease.planning.proposal_states import ProposalState
from callease.planning.proposals import Kind, NumberFacts, OfficeFacts


@dataclass(frozen=True)
class Portal:
    """`days`: how far back the log goes, at most 28. `prices`: what a number costs a month, by office, where known."""

    offices: Sequence[OfficeFacts]
    days: float
    prices: Mapping[str, Price]

    @property
    def reveals(self) -> int:
        return sum(office.reveals for office in self.offices)


def portal(session: Session, now: datetime) -> Portal:
    """Sites and offices that are retired have no part in it."""
    since = now - WINDOW
    sites = session.execute(select(Site.id, Site.objective).where(Site.retired_at.is_(None)).order_by(Site.id)).all()
    seen = [(objective, observed(session, since, now, site_id)) for site_id, objective in sites]
    seconds = max((each.seconds for _, each in seen), default=0.0)
    numbers = _numbers(session, since, max(seconds, 1.0))
    ids = session.scalars(select(Office.id).where(Office.retired_at.is_(None)).order_by(Office.id)).all()
    coming = _coming(session, ids)
    offices = [_office(id_, seen, [facts for _, facts in numbers.get(id_, ())], coming[id_]) for id_ in ids]
    costs = {id_: [number.monthly_cost for number, _ in numbers.get(id_, ())] for id_ in ids}
    return Portal(offices, seconds / 86_400, _prices(costs))


def owned(session: Session, office_id: str) -> int:
    """Numbers that the office has, or gets when their quarantine is over."""
    mine = or_(
        (Number.office_id == office_id) & (Number.state == NumberState.ACTIVE),
        (Number.next_office_id == office_id) & (Number.state == NumberState.QUARANTINE),
    )
    return session.scalar(select(func.count()).select_from(Number).where(Number.role == "lease", mine)) or 0


def to_be_bought(session: Session, office_id: str, but: str = "") -> list[str | None]:
    """Classes of the numbers that purchases, `but` one, were approved for and that are not there yet."""
    approved = select(StoredProposal).where(
        StoredProposal.kind == Kind.BUY,
        StoredProposal.state == ProposalState.APPROVED,
        StoredProposal.office_id == office_id,
        StoredProposal.id != but,
    )
    purchases = session.scalars(approved.order_by(StoredProposal.owned, StoredProposal.id)).all()
    if not purchases:
        return []
    classes = [each.source_class for each in purchases for _ in range(each.count)]
    missing = max(each.owned + each.count for each in purchases) - owned(session, office_id)
    return classes[-missing:] if missing > 0 else []


def _office(
    id_: str, seen: Sequence[tuple[str, Observed]], numbers: Sequence[NumberFacts], coming: Sequence[str | None]
) -> OfficeFacts:
    rates: Counter[str] = Counter()
    by_objective: Counter[str] = Counter()
    for objective, of_site in seen:
        rates.update(of_site.rates().get(id_, {}))
        by_objective[objective] += sum(of_site.counts.get(id_, {}).values())
    wanted = {name: float(count) for name, count in by_objective.items() if count}
    costs = costs_of_sites(wanted, COSTS)
    return OfficeFacts(id_, dict(rates), by_objective.total(), costs, tuple(numbers), tuple(coming))


def _numbers(session: Session, since: datetime, seconds: float) -> dict[str, list[tuple[Number, NumberFacts]]]:
    """Those that are leased, by office."""
    leased = Number.role == "lease", Number.state == NumberState.ACTIVE
    shown = set(session.scalars(select(Number.id).where(*leased, select(Lease.id).where(_of_number(Lease)).exists())))
    leases: dict[str, dict[str, int]] = {}
    by_class = (
        select(Lease.number_id, Lease.source_class, func.count())
        .join(Number, _of_owner(Lease))
        .where(*leased, Lease.leased_at >= since)
        .group_by(Lease.number_id, Lease.source_class)
    )
    for number_id, name, count in session.execute(by_class):
        leases.setdefault(number_id, {})[name] = count
    unexplained = _unexplained(session, since)
    found: dict[str, list[tuple[Number, NumberFacts]]] = {}
    for number in session.scalars(select(Number).where(*leased).order_by(Number.id)):
        a_month = unexplained.get(number.id, 0) / seconds * MONTH_SECONDS
        facts = NumberFacts(number.id, number.source_class, number.id in shown, leases.get(number.id, {}), a_month)
        found.setdefault(number.office_id, []).append((number, facts))
    return found


def _unexplained(session: Session, since: datetime) -> dict[str, int]:
    """Calls, by number, of which the resolver believed nothing: no lease, no class."""
    nothing = cast(CallerMemory.leases, Text) == "[]", cast(CallerMemory.unknown, Text) == "{}"
    query = (
        select(CallerMemory.number_id, func.count())
        .join(Number, _of_owner(CallerMemory))
        .where(CallerMemory.at >= since, *nothing)
        .group_by(CallerMemory.number_id)
    )
    return dict(session.execute(query).all())


def _of_number(of: type[Lease] | type[CallerMemory]) -> Any:
    return of.number_id == Number.id


def _of_owner(of: type[Lease] | type[CallerMemory]) -> Any:
    """Not what a former owner had of the number."""
    return _of_number(of) & (of.office_id == Number.office_id)


def _coming(session: Session, office_ids: Sequence[str]) -> dict[str, list[str | None]]:
    """Classes of numbers in quarantine, by their next office, and of those that are to be bought."""
    found: dict[str, list[str | None]] = {id_: to_be_bought(session, id_) for id_ in office_ids}
    moving = select(Number.next_office_id, Number.next_source_class).where(
        Number.role == "lease", Number.state == NumberState.QUARANTINE
    )
    for office_id, source_class in session.execute(moving.order_by(Number.id)):
        if office_id in found:
            found[office_id].append(source_class)
    return found


def _prices(costs: Mapping[str, Sequence[Any | None]]) -> dict[str, Price]:
    """What most of an office's numbers cost; of an office that knows no price, what most of all numbers do."""
    of_all = usual_price(cost for of_office in costs.values() for cost in of_office)
    prices = {office: usual_price(of_office) or of_all for office, of_office in costs.items()}
    return {office: price for office, price in prices.items() if price is not None}
