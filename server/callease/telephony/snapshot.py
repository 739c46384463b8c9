"""The routing snapshot: a small file beside the server that answers when Redis and the database are gone.

It holds the owner table, the offices' destinations, the telephony accounts (their credentials sealed, as in the
database), the sites and the listings' own phones. One process of a machine refreshes it every second or two, all others
read it. It is an SQLite file of its own: reads are indexed, shared between workers and cost no memory per worker.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.base.clock import parse_rfc3339, rfc3339
from callease.base.errors import Unavailable
from callease.catalog.lookup import LISTING_FACTS, SITE_FACTS, ListingFacts, SiteFacts
from callease.catalog.models import Advertiser, Listing, Office
from callease.catalog.revisions import LISTINGS, ROUTING, current
from callease.numbers.models import Number
from callease.numbers.states import NumberState
from callease.telephony.directory import AccountFacts, Owner, number_facts, office_facts
from callease.telephony.models import TelephonyAccount
from callease.telephony.routing import NumberFacts, OfficeFacts

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER);
CREATE TABLE IF NOT EXISTS numbers (e164 TEXT PRIMARY KEY, office_id TEXT, facts TEXT);
CREATE TABLE IF NOT EXISTS offices (id TEXT PRIMARY KEY, facts TEXT);
CREATE TABLE IF NOT EXISTS accounts (address TEXT PRIMARY KEY, facts TEXT);
CREATE TABLE IF NOT EXISTS sites (key TEXT PRIMARY KEY, facts TEXT);
CREATE TABLE IF NOT EXISTS listings (site_id TEXT, external_id TEXT, facts TEXT, PRIMARY KEY (site_id, external_id));
"""
_BATCH = 5_000
_CALL_CENTRE = "call_centre"


class SnapshotWriter:
    """Keeps the file up to date; made for one process a data directory."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT, 0o600))
        self._file = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.executescript(_TABLES)

    def refresh(self, session: Session) -> bool:
        """Copies what has changed since the last time; False when nothing has."""
        seen = dict(self._file.execute("SELECT name, value FROM meta").fetchall())
        revisions = current(session)
        if seen == revisions:
            return False
        with closing(self._file.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                if seen.get(ROUTING) != revisions[ROUTING]:
                    self._copy_routing(cursor, session)
                # An office that changed may answer for listings that did not: then all of them are copied.
                since = seen.get(LISTINGS, -1) if seen.get(ROUTING) == revisions[ROUTING] else -1
                if since != revisions[LISTINGS]:
                    self._copy_listings(cursor, session, since)
                cursor.executemany("REPLACE INTO meta VALUES (?, ?)", revisions.items())
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
        return True

    def close(self) -> None:
        self._file.close()

    def _copy_routing(self, cursor: sqlite3.Cursor, session: Session) -> None:
        numbers = [(n.e164, n.office_id, _dump(number_facts(n))) for n in session.scalars(select(Number))]
        offices = session.execute(
            select(Office, Advertiser.plan)
            .outerjoin(Advertiser, Advertiser.id == Office.advertiser_id)
            .order_by(Office.created_at.desc(), Office.id.desc())
        )
        office_rows = []
        for office, plan in offices:
            facts = _dump(office_facts(office, plan))
            office_rows.append((office.id, facts))
            if office.advertiser_id is None and office.retired_at is None:
                office_rows.append((_CALL_CENTRE, facts))  # the earliest comes last and stays
        accounts = session.scalars(select(TelephonyAccount).where(TelephonyAccount.retired_at.is_(None)))
        account_rows = [
            (a.address, _dump(AccountFacts(a.id, a.provider, a.address, a.credentials_sealed))) for a in accounts
        ]
        sites = [SiteFacts(*row) for row in session.execute(SITE_FACTS)]
        _rewrite(cursor, "numbers", 3, numbers)
        _rewrite(cursor, "offices", 2, office_rows)
        _rewrite(cursor, "accounts", 2, account_rows)
        _rewrite(cursor, "sites", 2, [(site.key, _dump(site)) for site in sites])

    def _copy_listings(self, cursor: sqlite3.Cursor, session: Session, since: int) -> None:
        query = LISTING_FACTS.add_columns(Listing.site_id).where(Listing.revision > since)
        rows = session.execute(query.execution_options(yield_per=_BATCH))
        for part in rows.partitions(_BATCH):
            facts = ((row[-1], row.external_id, _dump(ListingFacts(*row[:-1]))) for row in part)
            cursor.executemany("REPLACE INTO listings VALUES (?, ?, ?)", facts)


class Snapshot:
    """Reads the file; every answer is from memory of the machine alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of_thread = threading.local()

    def owner(self, e164: str) -> Owner | None:
        found = self._one("SELECT facts FROM numbers WHERE e164 = ?", e164)
        if found is None:
            return None
        found["owner_since"] = parse_rfc3339(found["owner_since"])
        # A file that an older version wrote says nothing of the state.
        number = NumberFacts(**{"state": NumberState.ACTIVE.value, **found})
        office = self._office(number.office_id)
        if office is None:
            return None
        overflow = self._office(office.overflow_office_id) if office.overflow_office_id else None
        return Owner(number, office, overflow, self._office(_CALL_CENTRE))

    def account(self, address: str) -> AccountFacts | None:
        found = self._one("SELECT facts FROM accounts WHERE address = ?", address)
        return AccountFacts(**found) if found else None

    def site(self, key: str) -> SiteFacts | None:
        found = self._one("SELECT facts FROM sites WHERE key = ?", key)
        return SiteFacts(**found) if found else None

    def listing(self, site_id: str, external_id: str) -> ListingFacts | None:
        found = self._one("SELECT facts FROM listings WHERE site_id = ? AND external_id = ?", site_id, external_id)
        return ListingFacts(**found) if found else None

    def routes(self) -> Iterator[Owner]:
        """Every number with its owner, for a PBX to keep."""
        for (e164,) in self._connection().execute("SELECT e164 FROM numbers ORDER BY e164").fetchall():
            owner = self.owner(e164)
            if owner:
                yield owner

    def _office(self, office_id: str) -> OfficeFacts | None:
        found = self._one("SELECT facts FROM offices WHERE id = ?", office_id)
        return OfficeFacts(**found) if found else None

    def _one(self, query: str, *values: str) -> dict[str, Any] | None:
        try:
            row = self._connection().execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise Unavailable("snapshot") from error
        return json.loads(row[0]) if row else None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=0.2, isolation_level=None)
            self._of_thread.connection = connection
        return connection


def _dump(facts: Any) -> str:
    return json.dumps(asdict(facts), default=_jsonable, ensure_ascii=False)


def _jsonable(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"not for the snapshot: {type(value).__name__}")


def _rewrite(cursor: sqlite3.Cursor, table: str, columns: int, rows: Sequence[tuple[str, ...]]) -> None:
    # `table` is one of the names above.
    cursor.execute(f"DELETE FROM {table}")  # noqa: S608
    cursor.executemany(f"REPLACE INTO {table} VALUES ({', '.join('?' * columns)})", rows)  # noqa: S608
