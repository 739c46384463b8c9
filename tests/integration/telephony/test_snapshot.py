"""The routing snapshot: fresh within seconds, complete, and without a secret in clear."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from callease.base.errors import Unavailable
from callease.telephony.snapshot import Snapshot, SnapshotWriter
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.installation import Installation
from tests.support.waiting import eventually

FRESH_SECONDS = 5


def _refresh(parts: Services, writer: SnapshotWriter) -> bool:
    with parts.database.reading() as session:
        return writer.refresh(session)


@pytest.fixture
def writer(parts: Services) -> Iterator[SnapshotWriter]:
    made = SnapshotWriter(parts.settings.snapshot_path)
    yield made
    made.close()


def test_a_number_made_through_the_api_is_in_it_within_seconds(server: Installation, server_cast: Cast) -> None:
    snapshot = Snapshot(server.data_dir / "snapshot.sqlite")
    office = server_cast.alatau_riverside
    server_cast.api.post("/numbers", {"e164": "+77172692555", "office": office.id})
    owner = eventually(lambda: snapshot.owner("+77172692555"), FRESH_SECONDS)
    assert owner.office.id == office.id
    server_cast.api.patch(f"/offices/{office.id}", {"destinations": [{"to": "+77172119999", "timeout": 10}]})

    def rung() -> bool:
        found = snapshot.owner("+77172692555")
        return found is not None and [each["to"] for each in found.office.destinations] == ["+77172119999"]

    eventually(rung, FRESH_SECONDS)
    body = {"site": server_cast.site["id"], "advertiser": server_cast.alatau["id"], "title": "New"}
    server_cast.api.post("/listings", {**body, "external_id": "FRESH-1", "phone": "+77012223344"})
    found = eventually(lambda: snapshot.listing(server_cast.site["id"], "FRESH-1"), FRESH_SECONDS)
    assert found.phone == "+77012223344"


@on_both_databases
def test_it_says_the_same_as_the_database(cast: Cast, parts: Services, writer: SnapshotWriter) -> None:
    assert _refresh(parts, writer)
    for office in cast.offices:
        for _, e164 in office.numbers:
            owner = parts.snapshot.owner(e164)
            assert owner
            assert (owner.office.id, owner.office.advertiser_id) == (office.id, office.advertiser)
            assert owner.call_centre
            assert owner.call_centre.id == cast.call_centre.id
    for external_id in cast.office_of:
        assert parts.snapshot.listing(cast.site["id"], external_id) == parts.catalog.listing(
            cast.site["id"], external_id
        )
    assert parts.snapshot.site(cast.site["key"]) == parts.catalog.site(cast.site["key"])
    assert parts.snapshot.owner("+77770000000") is None
    assert {owner.number.e164 for owner in parts.snapshot.routes()} == {
        e164 for office in cast.offices for e164 in office.e164s
    }


@on_both_databases
def test_only_what_has_changed_is_copied(cast: Cast, parts: Services, writer: SnapshotWriter) -> None:
    assert _refresh(parts, writer)
    assert not _refresh(parts, writer), "nothing has changed"
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    cast.page().reveal("ZHK-1001", visitor="v1")
    assert not _refresh(parts, writer), "calls and leases are not its business"
    (listing,) = cast.api.all("/listings?external_id=ZHK-1001")
    cast.api.patch(f"/listings/{listing['id']}", {"phone": "+77019990000"})
    assert _refresh(parts, writer)
    found = parts.snapshot.listing(cast.site["id"], "ZHK-1001")
    assert found
    assert found.phone == "+77019990000"


def test_what_is_retired_leaves_it(cast: Cast, parts: Services, writer: SnapshotWriter) -> None:
    _refresh(parts, writer)
    address = cast.account["events_url"].split("/")[-2]
    assert parts.snapshot.account(address)
    cast.api.delete(f"/telephony-accounts/{cast.account['id']}")
    (number,) = cast.api.all(f"/numbers?e164={cast.alatau_sales.numbers[0][1].replace('+', '%2B')}")
    cast.api.delete(f"/numbers/{number['id']}")
    _refresh(parts, writer)
    assert parts.snapshot.account(address) is None
    # A retired number is still answered for its owner.
    owner = parts.snapshot.owner(number["e164"])
    assert owner
    assert owner.office.id == cast.alatau_sales.id


def test_no_secret_is_in_it_in_clear(cast: Cast, parts: Services, writer: SnapshotWriter) -> None:
    twilio = {"account_sid": "AC" + "7" * 32, "auth_token": "the-twilio-auth-token"}
    cast.api.post("/telephony-accounts", {"provider": "twilio", "name": "Twilio", "credentials": twilio})
    endpoint = cast.api.post("/webhook-endpoints", {"url": "https://crm.kz/hook"})
    cast.user("owner")
    _refresh(parts, writer)
    secrets = [
        cast.account["secret"],
        cast.account["secret"].removeprefix("whsec_"),
        cast.account["token"],
        cast.site["token_key"],
        endpoint["secret"],
        cast.token("owner"),
        *twilio.values(),
    ]
    path = parts.settings.snapshot_path
    files = [path, *path.parent.glob(f"{path.name}-*")]
    content = b"".join(file.read_bytes() for file in files)
    assert cast.site["key"].encode() in content, "the search finds what is there"
    assert [secret for secret in secrets if secret.encode() in content] == []
    assert {file.stat().st_mode & 0o077 for file in files} == {0}, "nobody else may read it"


def test_without_a_snapshot_it_says_so(parts: Services) -> None:
    with pytest.raises(Unavailable):
        parts.snapshot.owner("+77172690000")


def test_a_reader_never_sees_half_of_a_change(cast: Cast, parts: Services, writer: SnapshotWriter) -> None:
    """A refresh that breaks in the middle leaves what was there."""
    _refresh(parts, writer)
    before = _content(parts)
    cast.api.post("/numbers", {"e164": "+77172692777", "office": cast.alatau_sales.id})
    (listing,) = cast.api.all("/listings?external_id=ZHK-1001")
    cast.api.patch(f"/listings/{listing['id']}", {"phone": "+77019990000"})

    class Breaks:
        """A session that is cut off at its sixth question: routing is copied by then, listings are not."""

        def __init__(self, session: Any) -> None:
            self._session, self._left = session, 5

        def __getattr__(self, name: str) -> Any:
            self._left -= 1
            if self._left < 0:
                raise ConnectionError
            return getattr(self._session, name)

    with parts.database.reading() as session, pytest.raises(ConnectionError):
        writer.refresh(Breaks(session))  # type: ignore[arg-type]
    assert _content(parts) == before
    assert _refresh(parts, writer)
    assert parts.snapshot.owner("+77172692777")


def _content(parts: Services) -> list[Any]:
    with sqlite3.connect(parts.settings.snapshot_path) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        content = [file.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in tables]
    file.close()
    return content
