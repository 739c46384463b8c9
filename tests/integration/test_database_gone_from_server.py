"""The same with real processes: a PostgreSQL that crashes, an SQLite file that is moved away or locked."""

import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from tests.factories import CALL_CENTRE_PHONE, Cast
from tests.support.databases import PostgresServer
from tests.support.installation import Installation
from tests.support.people import new_call_id, rfc3339
from tests.support.waiting import eventually

Figure = Callable[[str, object], None]

BACK_WITHIN_SECONDS = 30
# A provider hangs up on a slow answer, the quickest of them after two seconds.
ROUTE_SECONDS = 2.0


@pytest.fixture(scope="module")
def on_sqlite() -> Iterator[Installation]:
    installation = Installation()
    try:
        yield installation.up()
    finally:
        installation.stop()


@pytest.fixture(scope="module")
def cast_on_sqlite(on_sqlite: Installation) -> Cast:
    return on_sqlite.cast()


def test_postgresql_crashes(postgres: PostgresServer, install: Callable[..., Installation], figure: Figure) -> None:
    _, url = postgres.fresh()
    installation = install(DATABASE_URL=url).up(workers=2)
    cast = installation.cast()
    before = cast.page().reveal("ZHK-1001", visitor="v1").json
    _wait_for_snapshot(installation, cast)
    call, at = new_call_id(), rfc3339()
    postgres.stop()
    try:
        down = installation.http("GET", "/readyz")
        assert (down.status, down.json["down"]) == (503, ["database"])
        assert installation.http("GET", "/healthz").status == 200
        figure("route without PostgreSQL, slowest ms", _calls_reach_their_owners(cast))
        shown = cast.page().reveal("ZHK-1001", visitor="v1")
        assert (shown.json["kind"], shown.json["number"]) == ("fallback", cast.phone_of["ZHK-1001"])
        _post_events(cast, call, at)
    finally:
        postgres.start()
    began = time.monotonic()
    _one_lead(installation, cast, call)
    figure("lead of a spooled event after, s", round(time.monotonic() - began, 1))
    after = cast.page().reveal("ZHK-1001", visitor="v1").json
    assert (after["lease"], after["number"]) == (before["lease"], before["number"])
    installation.wait_until_ready()


def test_the_sqlite_file_is_moved_away(on_sqlite: Installation, cast_on_sqlite: Cast) -> None:
    """Connections that are open still see it, others do not: whichever is used, nothing is lost."""
    cast = cast_on_sqlite
    before = cast.page().reveal("ZHK-1001", visitor="v1").json
    _wait_for_snapshot(on_sqlite, cast)
    call, at = new_call_id(), rfc3339()
    here, away = on_sqlite.data_dir / "callease.sqlite", on_sqlite.data_dir / "away.sqlite"
    here.rename(away)
    try:
        _calls_reach_their_owners(cast)
        shown = cast.page().reveal("ZHK-1001", visitor="v1")
        assert (shown.status, shown.json["number"]) in {(200, before["number"]), (200, cast.phone_of["ZHK-1001"])}
        _post_events(cast, call, at)
    finally:
        assert not here.exists(), "an empty database was made in place of the lost one"
        away.rename(here)
    _one_lead(on_sqlite, cast, call)
    assert cast.page().reveal("ZHK-1001", visitor="v1").json["lease"] == before["lease"]


def test_somebody_locks_the_sqlite_file(on_sqlite: Installation, cast_on_sqlite: Cast, figure: Figure) -> None:
    """A back-up tool that keeps the database to itself: reading goes on, writing does not."""
    cast = cast_on_sqlite
    to, call = cast.saryarka_sales.numbers[0][1], new_call_id()
    _wait_for_snapshot(on_sqlite, cast)
    other = sqlite3.connect(on_sqlite.data_dir / "callease.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        began = time.monotonic()
        shown = cast.page().reveal("ZHK-2001", visitor="locked")
        figure("reveal with SQLite locked, s", round(time.monotonic() - began, 2))
        assert (shown.status, shown.reason) == (200, "database")
        assert time.monotonic() - began < 2, "the script on the page has given up by then"
        began = time.monotonic()
        routed = cast.telephone.route(call, to)
        figure("route with SQLite locked, s", round(time.monotonic() - began, 2))
        assert (routed.status, routed.json["office"]) == (200, cast.saryarka_sales.id)
        assert time.monotonic() - began < ROUTE_SECONDS
        assert cast.telephone.event("ringing", call, to).status == 200
    finally:
        other.close()
    _one_lead(on_sqlite, cast, call)


def _wait_for_snapshot(installation: Installation, cast: Cast) -> None:
    """The cast was made a moment ago: the snapshot shall hold its last number."""
    last = sorted(number for office in cast.offices for _, number in office.numbers)[-1]

    def has_it() -> bool:
        path = installation.data_dir / "snapshot.sqlite"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as snapshot:
            found = snapshot.execute("SELECT count(*) FROM numbers WHERE e164 = ?", (last,)).fetchone()
            listings = snapshot.execute("SELECT count(*) FROM listings").fetchone()
        snapshot.close()
        return bool(found[0]) and listings[0] >= len(cast.office_of)

    eventually(has_it, 5)


def _calls_reach_their_owners(cast: Cast) -> float:
    """Milliseconds of the slowest answer."""
    slowest = 0.0
    for office in cast.offices:
        rung = CALL_CENTRE_PHONE if office is cast.zhaina_sales else office.phone
        for _, e164 in office.numbers:
            began = time.monotonic()
            routed = cast.telephone.route(new_call_id(), e164)
            slowest = max(slowest, time.monotonic() - began)
            assert (routed.status, routed.json["office"]) == (200, office.id)
            assert [each["to"] for each in routed.json["destinations"]] == [rung]
    return round(slowest * 1000, 1)


def _post_events(cast: Cast, call: str, at: str) -> None:
    to = cast.alatau_sales.numbers[0][1]
    for _ in range(3):
        ended = cast.telephone.event("ended", call, to, at=at, disposition="answered", wait=5, talk=60, duration=65)
        assert ended.status == 200
        assert cast.telephone.event("ringing", call, to, at=at).status == 200


def _one_lead(installation: Installation, cast: Cast, call: str) -> None:
    def of_call() -> list[dict[str, object]]:
        calls = [each["id"] for each in cast.api.all("/calls") if each["provider_call_id"] == call]
        return [lead for lead in cast.api.all("/leads") if lead["call"]["id"] in calls]

    eventually(of_call, BACK_WITHIN_SECONDS)
    spool = installation.data_dir / "spool"
    eventually(lambda: not list(spool.glob("*")), BACK_WITHIN_SECONDS)
    assert len(of_call()) == 1
