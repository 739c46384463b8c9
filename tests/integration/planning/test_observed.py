"""Reveals by office and class are taken from the lease log and from measure mode, on both databases."""

from datetime import datetime, timedelta

import pytest

from callease.attribution.models import MeasuredReveals
from callease.base.clock import SetClock
from callease.numbers.damage import COSTS
from callease.numbers.delays import DelayCurves
from callease.numbers.models import Lease
from callease.planning.allocation import allocate
from callease.planning.observed import Observed, observed
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.extensions import extend

pytestmark = on_both_databases
DAY = timedelta(days=1)
SEARCH, ORGANIC = {"class": "paid_search"}, {"class": "organic"}


def _reveal(cast: Cast, parts: Services, listing: str, visitor: str, source: dict[str, str], at: datetime) -> None:
    """Leases have Redis's own time; the test goes through days."""
    shown = cast.page().reveal(listing, visitor=visitor, source=source).json
    with parts.database.transaction() as session:
        session.get_one(Lease, shown["lease"]).leased_at = at


def _measure(parts: Services, cast: Cast, office: str, source_class: str, hour_at: datetime, count: int) -> None:
    with parts.database.transaction() as session:
        session.add(
            MeasuredReveals(
                site_id=cast.site["id"], office_id=office, source_class=source_class, hour_at=hour_at, count=count
            )
        )


def _observed(parts: Services, since: datetime, until: datetime, site_id: str | None = None) -> Observed:
    with parts.database.reading() as session:
        return observed(session, since, until, site_id)


def test_nothing_was_seen_of_nothing(parts: Services, clock: SetClock) -> None:
    seen = _observed(parts, clock.now() - DAY, clock.now())
    assert (seen.counts, seen.seconds, seen.reveals, seen.rates()) == ({}, 0.0, 0, {})


def test_the_log_and_measure_mode_add_up(cast: Cast, parts: Services, clock: SetClock) -> None:
    now = clock.now()
    sales, riverside = cast.office_of["ZHK-1001"].id, cast.office_of["ZHK-1003"].id
    _reveal(cast, parts, "ZHK-1001", "v1", SEARCH, now - 2 * DAY)
    _reveal(cast, parts, "ZHK-1001", "v2", SEARCH, now - DAY)
    _reveal(cast, parts, "ZHK-1002", "v3", ORGANIC, now - DAY)
    _measure(parts, cast, riverside, "direct", now - DAY, 7)
    _measure(parts, cast, sales, "organic", now - DAY, 5)
    seen = _observed(parts, now - 10 * DAY, now)
    assert seen.counts == {sales: {"paid_search": 2, "organic": 6}, riverside: {"direct": 7}}
    assert seen.reveals == 15
    # Counted from the first reveal on, not over days when nobody counted.
    assert seen.seconds == pytest.approx(2 * 86_400)
    assert seen.rates()[riverside] == {"direct": pytest.approx(7 / (2 * 86_400))}
    assert _observed(parts, now - 10 * DAY, now, cast.site["id"]) == seen
    assert _observed(parts, now - 10 * DAY, now, "another site").counts == {}


def test_who_asks_again_is_counted_once(cast: Cast, parts: Services, clock: SetClock) -> None:
    for _ in range(3):
        cast.page().reveal("ZHK-1001", visitor="v1", source=SEARCH)
    seen = _observed(parts, clock.now() - DAY, clock.now() + DAY)
    assert seen.counts == {cast.office_of["ZHK-1001"].id: {"paid_search": 1}}


def test_codes_need_no_numbers(cast: Cast, parts: Services, clock: SetClock) -> None:
    """One number serves all of their visitors, so they are no reason to buy any."""
    extended, now = extend(cast), clock.now()
    _reveal(cast, parts, extended.listing, "v1", SEARCH, now - 2 * DAY)
    seen = _observed(parts, now - 10 * DAY, now)
    assert (seen.counts, seen.seconds) == ({}, pytest.approx(2 * 86_400)), "it is known that nobody needed one"
    _reveal(cast, parts, "ZHK-1001", "v2", SEARCH, now - DAY)
    seen = _observed(parts, now - 10 * DAY, now)
    assert seen.counts == {cast.office_of["ZHK-1001"].id: {"paid_search": 1}}
    assert seen.seconds == pytest.approx(2 * 86_400), "the log goes back to the first code"


def test_the_window_has_its_beginning_and_not_its_end(cast: Cast, parts: Services, clock: SetClock) -> None:
    until = clock.now()
    since = until - DAY
    office = cast.office_of["ZHK-1001"].id
    for visitor, at in (("before", since - DAY), ("first", since), ("last", until)):
        _reveal(cast, parts, "ZHK-1001", visitor, SEARCH, at)
        _measure(parts, cast, office, "organic", at, 1)
    seen = _observed(parts, since, until)
    assert seen.counts == {office: {"paid_search": 1, "organic": 1}}


def test_silence_counts_where_somebody_counted_before(cast: Cast, parts: Services, clock: SetClock) -> None:
    now = clock.now()
    _reveal(cast, parts, "ZHK-1001", "v1", SEARCH, now - 30 * DAY)
    _reveal(cast, parts, "ZHK-1001", "v2", SEARCH, now - DAY)
    assert _observed(parts, now - 10 * DAY, now).seconds == pytest.approx(10 * 86_400)


def test_rates_are_what_allocation_takes(cast: Cast, parts: Services, clock: SetClock) -> None:
    now = clock.now()
    sales, riverside = cast.office_of["ZHK-1001"].id, cast.office_of["ZHK-1003"].id
    for source_class, count in (("paid_search", 900), ("organic", 600), ("direct", 300)):
        _measure(parts, cast, sales, source_class, now - 2 * DAY, count)
    _measure(parts, cast, riverside, "direct", now - 2 * DAY, 10)
    rates = _observed(parts, now - 2 * DAY, now).rates()
    owned = dict(zip(rates, allocate(list(rates.values()), 12, COSTS["both"], DelayCurves()), strict=True))
    assert sum(owned.values()) == 12
    assert owned[sales] > owned[riverside] >= 1
