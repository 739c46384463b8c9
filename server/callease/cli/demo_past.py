"""A month of the demo's past: visits, leases and calls, made by the same code that takes them today.

Only the clock is another one. What happens is drawn from a seeded chance, so every demo has the same past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from callease.attribution.models import Visit
from callease.attribution.visits import PageView, begin_visit
from callease.base.clock import SetClock
from callease.base.ids import new_id
from callease.base.outbox import OutboxEvent
from callease.catalog.models import Listing, Office, Site
from callease.leads import leads as work
from callease.leads.leads import take_call_event
from callease.leads.models import Lead
from callease.numbers.models import Lease, Number
from callease.telephony.events import CallEvent, CallEventType, Disposition
from callease.telephony.models import TelephonyAccount
from callease.web.services import Services

_DAYS = 30
_REVEALS_A_DAY = 26
_CALLS = 0.42
_REPEATS = 0.22
_HIDDEN = 0.03
_ANSWERED, _MISSED, _BUSY = 0.78, 0.16, 0.06
_WORKED_AFTER = timedelta(days=1)
# Whoever works there finds something to do, at whatever hour the demo was started.
_LEFT_TO_DO = 2
# Nothing is under way when the demo starts.
_QUIET = timedelta(minutes=30)

# How visitors come: weight, what the landing page's address carries, the referrer.
_WAYS: tuple[tuple[float, str, str], ...] = (
    (0.20, "utm_source=google&utm_medium=cpc&utm_campaign=novostroyki_almaty&utm_term=купить+квартиру+алматы", ""),
    (0.10, "utm_source=yandex&utm_medium=cpc&utm_campaign=zhk_astana&utm_term=новостройки+астана&yclid=1720000000", ""),
    (0.20, "", "https://www.google.kz/"),
    (0.09, "", "https://yandex.kz/"),
    (0.12, "utm_source=instagram&utm_medium=social&utm_campaign=stories_oct", "https://l.instagram.com/"),
    (0.09, "", "https://almaty.2gis.kz/"),
    (0.05, "", "https://krisha.kz/"),
    (0.05, "", "https://blog.example.kz/novostroyki"),
    (0.10, "", ""),
)  # fmt: skip


@dataclass
class _World:
    """What the past is made of; `leased_at` remembers the coldness of each number."""

    chance: Random
    site: Site
    account_id: str
    listings: Sequence[Listing]
    numbers: dict[str, list[Number]]
    destinations: dict[str, list[str]]
    leased_at: dict[str, datetime]
    callers: list[tuple[str, Number, str]]
    address: str
    until: datetime


def write_past(parts: Services, offices: dict[str, str], address: str) -> None:
    """`offices`: keys to ids, of the seeded catalogue; `address`: of the portal."""
    now = parts.clock.now()
    with parts.database.transaction() as session:
        world = _world(session, sorted(offices.values()), address, now - _QUIET)
        clock = SetClock(now)
        for moment in _moments(world):
            clock.set(moment)
            _one_reveal(session, parts, clock, world)
        _work_old_leads(session, clock, world.chance, now)
        # The past has been announced long ago.
        session.execute(update(OutboxEvent).values(fanned_out_at=now))


def _world(session: Session, office_ids: list[str], address: str, until: datetime) -> _World:
    numbers: dict[str, list[Number]] = {office_id: [] for office_id in office_ids}
    for number in session.scalars(select(Number).where(Number.role == "lease").order_by(Number.e164)):
        numbers[number.office_id].append(number)
    offices = session.scalars(select(Office))
    return _World(
        chance=Random(20_261_121),  # noqa: S311 - a past, not a secret
        site=session.scalars(select(Site)).one(),
        account_id=session.scalars(select(TelephonyAccount.id)).one(),
        listings=session.scalars(select(Listing).order_by(Listing.external_id)).all(),
        numbers=numbers,
        destinations={office.id: [str(each["to"]) for each in office.destinations] for office in offices},
        leased_at={},
        callers=[],
        address=address,
        until=until,
    )


def _moments(world: _World) -> list[datetime]:
    """Times of reveals, oldest first; people look for flats at noon and in the evening."""
    chance, moments = world.chance, []
    for day in range(_DAYS, -1, -1):
        start = (world.until - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(round(_REVEALS_A_DAY * chance.uniform(0.7, 1.3))):
            hour = chance.triangular(3, 17, chance.choice((7, 14)))  # UTC: 8 to 22 o'clock in Almaty
            moments.append(start + timedelta(seconds=round(hour * 3_600 + chance.uniform(0, 300))))
    return sorted(moment for moment in moments if moment < world.until)


def _one_reveal(session: Session, parts: Services, clock: SetClock, world: _World) -> None:
    chance, listing = world.chance, world.chance.choice(world.listings)
    visitor = new_id("v")
    _, query, referrer = chance.choices(_WAYS, [way[0] for way in _WAYS])[0]
    page = f"{world.address}/listing/{listing.external_id}"
    view = PageView(
        site_id=world.site.id,
        domains=world.site.domains,
        visitor=visitor,
        session=new_id("s"),
        url=f"{page}?{query}" if query else page,
        title=listing.title,
        referrer=referrer,
        clients={"ga": f"{chance.randrange(10**9)}.{int(clock.now().timestamp())}"},
    )
    visit = begin_visit(view, clock.now())
    session.add(Visit(**visit))
    number = _coldest(world, listing.office_id or "", visit["source_class"], clock.now())
    session.add(_lease(world, listing, number, view, visit, clock.now()))
    session.flush()
    if chance.random() < _CALLS:
        late = chance.random() < 0.12
        clock.advance(chance.uniform(1_200, 20_000) if late else chance.expovariate(1 / 110) + 8)
        caller = None if chance.random() < _HIDDEN else f"+770{chance.choice('1257')}{chance.randrange(10**7):07d}"
        _call(session, parts, clock, world, number, caller)
        if caller:
            world.callers.append((caller, number, listing.office_id or ""))
    if world.callers and chance.random() < _REPEATS * _CALLS:
        clock.advance(chance.uniform(60, 3_600))
        caller, number, _ = chance.choice(world.callers[-60:])
        _call(session, parts, clock, world, number, caller)


def _coldest(world: _World, office_id: str, source_class: str, now: datetime) -> Number:
    """The plain rule: the coldest of the class, of the unsplit ones, or of the office."""
    own = world.numbers[office_id]
    of_class = [number for number in own if number.source_class == source_class]
    candidates = of_class or [number for number in own if number.source_class is None] or own
    number = min(candidates, key=lambda each: world.leased_at.get(each.id, datetime.min.replace(tzinfo=now.tzinfo)))
    world.leased_at[number.id] = now
    return number


def _lease(
    world: _World, listing: Listing, number: Number, view: PageView, visit: dict[str, Any], at: datetime
) -> Lease:
    return Lease(
        id=new_id("lse"),
        number_id=number.id,
        office_id=number.office_id,
        site_id=world.site.id,
        listing_id=listing.id,
        subject=new_id("past"),
        visitor=view.visitor,
        session=view.session,
        visit_id=visit["id"],
        source_class=visit["source_class"],
        kind="dynamic",
        borrowed=number.source_class not in (None, visit["source_class"]),
        consented=True,
        weight=1.0,
        page_url=view.url,
        referrer=view.referrer,
        leased_at=at,
        expires_at=at + timedelta(minutes=30),
    )


def _call(
    session: Session, parts: Services, clock: SetClock, world: _World, number: Number, caller: str | None
) -> None:
    chance, id_, start = world.chance, new_id("past"), clock.now()
    if start > world.until:
        return
    disposition = chance.choices(
        (Disposition.ANSWERED, Disposition.MISSED, Disposition.BUSY), (_ANSWERED, _MISSED, _BUSY)
    )[0]
    answered = disposition is Disposition.ANSWERED
    wait = round(chance.triangular(2, 40, 8) if answered else chance.triangular(5, 45, 25))
    talk = round(chance.lognormvariate(4.4, 0.8)) if answered else 0
    destinations = world.destinations[number.office_id] or [""]
    events = [CallEvent(id_, CallEventType.RINGING, start, number.e164, caller)]
    ended = CallEvent(
        id_,
        CallEventType.ENDED,
        start + timedelta(seconds=wait + talk),
        number.e164,
        caller,
        disposition,
        wait,
        talk,
        wait + talk,
        chance.choice(destinations) if answered else None,
    )
    for event in [*events, ended]:
        clock.set(event.at)
        take_call_event(session, parts.database, clock, parts.box, world.account_id, event, None)


def _work_old_leads(session: Session, clock: SetClock, chance: Random, now: datetime) -> None:
    """Yesterday's enquiries have been dealt with, most of them."""
    newer = func.row_number().over(partition_by=Lead.office_id, order_by=(Lead.created_at.desc(), Lead.id.desc()))
    places = select(Lead.id, newer.label("place")).subquery()
    old = select(Lead).where(Lead.created_at < now - _WORKED_AFTER)
    old = old.join(places, places.c.id == Lead.id).where(places.c.place > _LEFT_TO_DO)
    for lead in session.scalars(old.order_by(Lead.id)).all():
        if chance.random() < 0.04:
            continue
        clock.set(lead.created_at + timedelta(minutes=chance.uniform(2, 90)))
        work.act(session, clock, lead, "claim", "demo", "Отдел продаж")
        if chance.random() < 0.9:
            clock.advance(chance.uniform(300, 7_200))
            work.act(session, clock, lead, "close", "demo", "Отдел продаж")
