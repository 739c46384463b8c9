"""A hundred visitors at once, two offices, ten numbers, and more such sites: what must never happen under load."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import select, text

from callease.numbers.models import Lease, Number
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.http import Answer
from tests.support.installation import Installation
from tests.support.people import Page
from tests.support.size import Size

THREADS = 100
# Of one site within an hour; more would be an attack on its listings.
ASKS = 1_000
FEW = 0.02
CLASSES = ("paid_search", "organic", "social", "direct")


@dataclass(frozen=True)
class Ask:
    """One request of one visitor; `visitor` None: nothing is known of who asks."""

    listing: str
    visitor: str | None
    session: str | None
    source_class: str


@pytest.fixture
def installation(database_url: str, install: Callable[..., Installation]) -> Installation:
    return install(DATABASE_URL=database_url).up(workers=2)


@on_both_databases
def test_a_hundred_threads_and_ten_numbers(installation: Installation, size: Size) -> None:
    cast = installation.cast()
    sites = size.pick(1, 100)
    offices: dict[str, dict[str, str]] = {}
    asks: list[Ask] = []
    answers: list[Answer] = []
    for index in range(sites):
        page, of_site = _site_of_two_offices_of_five(cast, index)
        offices |= of_site
        of_page = list(islice(_asks(list(of_site)), ASKS))
        asks += of_page
        with ThreadPoolExecutor(THREADS) as threads:
            answers += threads.map(partial(_ask, page), of_page)

    outcomes = Counter((answer.status, answer.reason) for answer in answers)
    # A Redis or a database that does not answer in time is not waited for: on a busy machine that may happen.
    assert outcomes.keys() <= {(200, None), (200, "redis"), (200, "database")}, outcomes
    too_late = outcomes[200, "redis"] + outcomes[200, "database"]
    assert too_late <= len(asks) * FEW, outcomes
    asks, revealed = _leased(asks, answers)
    for one, each in zip(asks, revealed, strict=True):
        assert each["number"] in offices[one.listing].values(), "a number of another office"
    _same_visitor_same_lease(asks, revealed)
    leases = _log_agrees(installation, offices, revealed)
    if not too_late:
        assert len(leases) == len({each["lease"] for each in revealed}), "the log has leases that nobody was given"
    # All of them live for half an hour: each number can have been given out alone only once.
    alone = Counter(lease.number_id for lease in leases if lease.kind == "dynamic")
    assert set(alone.values()) == {1}
    if not too_late:
        assert len(alone) == 10 * sites


def _ask(page: Page, one: Ask) -> Answer:
    source = {"class": one.source_class}
    return page.reveal(one.listing, visitor=one.visitor, session=one.session, source=source)


def _leased(asks: list[Ask], answers: list[Answer]) -> tuple[list[Ask], list[dict[str, Any]]]:
    pairs = [(one, answer.json) for one, answer in zip(asks, answers, strict=True) if not answer.reason]
    assert {each["kind"] for _, each in pairs} == {"dynamic", "shared"}
    return [one for one, _ in pairs], [each for _, each in pairs]


def _site_of_two_offices_of_five(cast: Cast, index: int) -> tuple[Page, dict[str, dict[str, str]]]:
    """Listing -> the numbers of its office, by id; the second office belongs to the same advertiser."""
    site = cast.api.post("/sites", {"name": f"Crowd {index}", "domains": ["bosaga.kz"], "region": "KZ"})
    advertiser = cast.api.post("/advertisers", {"name": f"Crowd {index}"})["id"]
    numbers: dict[str, dict[str, str]] = {}
    for place in (1, 2):
        listing, prefix = f"CROWD-{index}-{place}", f"717{index:03d}{place}"
        office = cast.api.post("/offices", {"advertiser": advertiser, "name": listing})["id"]
        split = ("paid_search", "paid_search", "organic", None, None)
        made = [
            cast.api.post("/numbers", {"e164": f"+7{prefix}{last:03d}", "office": office, "source_class": name})
            for last, name in enumerate(split)
        ]
        numbers[listing] = {number["id"]: number["e164"] for number in made}
        body = {"site": site["id"], "advertiser": advertiser, "office": office, "title": listing}
        cast.api.post("/listings", {**body, "external_id": listing, "phone": "+77010000000"})
    return Page(cast.transport, site["key"]), numbers


def _asks(listings: Sequence[str]) -> Iterator[Ask]:
    """Visitors of all kinds; every one with a name asks twice, the second time soon after the first."""
    person = 0
    while True:
        person += 1
        listing, source_class = listings[person % 2], CLASSES[person % len(CLASSES)]
        match person % 5:
            case 0:
                yield Ask(listing, None, None, source_class)
            case 1:
                yield from [Ask(listing, None, f"s{person}", source_class)] * 2
            case _:
                yield from [Ask(listing, f"v{person}", f"s{person}", source_class)] * 2


def _same_visitor_same_lease(asks: list[Ask], revealed: list[dict[str, Any]]) -> None:
    of_person: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for one, each in zip(asks, revealed, strict=True):
        if who := one.visitor or one.session:
            of_person.setdefault((who, one.listing), set()).add((each["lease"], each["number"]))
    assert all(len(leases) == 1 for leases in of_person.values())
    nobody = [each["lease"] for one, each in zip(asks, revealed, strict=True) if not (one.visitor or one.session)]
    assert len(set(nobody)) == len(nobody)


def _log_agrees(
    installation: Installation, offices: dict[str, dict[str, str]], revealed: list[dict[str, Any]]
) -> Sequence[Lease]:
    """Every answered lease is in the log as it was answered; those are given back."""
    with installation.reading() as session:
        leases = {lease.id: lease for lease in session.scalars(select(Lease))}
        owners = {number.id: number.office_id for number in session.scalars(select(Number))}
        if session.get_bind().dialect.name == "postgresql":
            deadlocks = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert session.scalar(deadlocks) == 0
    e164 = {id_: digits for numbers in offices.values() for id_, digits in numbers.items()}
    for each in revealed:
        row = leases[each["lease"]]
        assert row.office_id == owners[row.number_id]
        assert e164[row.number_id] == each["number"]
        # Who asks again may hear that the number is shared by now.
        assert each["kind"] in (row.kind, "shared")
    of_number: dict[str, set[str]] = {}
    for row in leases.values():
        of_number.setdefault(row.number_id, set()).add(row.office_id)
    assert all(len(offices_of_it) == 1 for offices_of_it in of_number.values())
    return list(leases.values())
