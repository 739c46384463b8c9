"""The demo's data: the portal's own catalogue becomes sites, offices, listings, numbers, people and a telephone."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from callease.catalog import catalog
from callease.cli.demo_past import write_past
from callease.numbers import numbers
from callease.telephony import accounts as telephony
from callease.tenancy import accounts
from callease.tenancy.roles import Role
from callease.web.demo.catalogue import Catalogue, load_catalogue
from callease.web.demo.catalogue import Listing as ListingForSale
from callease.web.services import Services

_PASSWORD = "bosaga-demo"  # noqa: S105 - printed on the screen of whoever starts the demo


@dataclass(frozen=True)
class DemoFacts:
    """What the demo's pages and its start page need to know; kept beside the database, mode 0600."""

    site_key: str
    account_address: str
    account_secret: str
    logins: list[dict[str, str]]


def facts_path(data_dir: Path) -> Path:
    return data_dir / "demo.json"


def read_facts(data_dir: Path) -> DemoFacts | None:
    """None where no demo was seeded."""
    path = facts_path(data_dir)
    return DemoFacts(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def seed(parts: Services, address: str) -> DemoFacts:
    """Everything in one transaction, then a month of calls; the facts are written last, so a torn seed is seen.

    `address` is the portal's own, without a slash at its end.
    """
    stock = load_catalogue()
    with parts.database.transaction() as session:
        facts, offices = _seed_catalogue(session, parts, stock, address)
    write_past(parts, offices, address)
    path = facts_path(parts.settings.data_dir)
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(facts), file, ensure_ascii=False)
    return facts


def _seed_catalogue(
    session: Session, parts: Services, stock: Catalogue, address: str
) -> tuple[DemoFacts, dict[str, str]]:
    site, _ = catalog.create_site(
        session,
        parts.clock,
        parts.box,
        {
            "name": stock.portal.name,
            "domains": ["localhost", "127.0.0.1", "::1", stock.portal.domain],
            "region": "KZ",
            "timezone": "Asia/Almaty",
            "locale": "ru",
            "excluded_ips": [],
            "mode": "live",
            "objective": "both",
            "consent_required": False,
            "require_token": False,
            "lease_seconds": 1_800,
        },
    )
    advertisers = {}
    for row in stock.advertisers:
        made = catalog.create_advertiser(
            session, parts.clock, {"name": row.name, "plan": row.plan, "external_id": row.key}
        )
        advertisers[row.key] = made.id
    offices = _seed_offices(session, parts, stock, advertisers)
    for listing in stock.listings:
        _seed_listing(session, parts, stock, listing, f"{address}/listing", site.id, advertisers, offices)
    account, shown = telephony.create_account(
        session, parts.clock, parts.box, {"provider": "generic", "name": "Телефон демо", "credentials": {}}
    )
    for number in stock.numbers:
        fields = {"e164": number.e164, "office_id": offices[number.office], "source_class": number.source_class}
        numbers.create_number(session, parts.clock, {**fields, "role": number.role, "telephony_account_id": account.id})
    logins = _seed_people(session, parts, stock, advertisers)
    return DemoFacts(site.key, account.address, shown["secret"], logins), offices


def _seed_offices(session: Session, parts: Services, stock: Catalogue, advertisers: dict[str, str]) -> dict[str, str]:
    """Office keys to ids; an advertiser's first office is the one that it started with."""
    made = {}
    for row in stock.offices:
        advertiser_id = advertisers[row.advertiser] if row.advertiser else None
        fields = {
            "name": row.name,
            "destinations": [asdict(destination) for destination in row.destinations],
            "hours": dict(row.hours) if row.hours else None,
            "timezone": row.timezone,
        }
        first = catalog.first_office(session, advertiser_id) if advertiser_id else None
        if first and not first.destinations:
            made[row.key] = catalog.change(session, first, fields)
        else:
            made[row.key] = catalog.create_office(session, parts.clock, {"advertiser_id": advertiser_id, **fields})
    for row in stock.offices:
        if row.overflow_office:
            catalog.change(session, made[row.key], {"overflow_office_id": made[row.overflow_office].id})
    return {key: office.id for key, office in made.items()}


def _seed_listing(
    session: Session,
    parts: Services,
    stock: Catalogue,
    listing: ListingForSale,
    folder: str,
    site_id: str,
    advertisers: dict[str, str],
    offices: dict[str, str],
) -> None:
    complex_ = next(row for row in stock.complexes if row.slug == listing.complex)
    office = next(row for row in stock.offices if row.key == listing.office)
    assert office.advertiser, "the call centre sells nothing"
    catalog.create_listing(
        session,
        parts.clock,
        {
            "site_id": site_id,
            "advertiser_id": advertisers[office.advertiser],
            "office_id": offices[office.key],
            "external_id": listing.external_id,
            "title": listing.title["ru"],
            "url": f"{folder}/{listing.external_id}",
            "phone": listing.phone,
            "complex": complex_.name["ru"],
            "price": {"amount": f"{listing.price}.00", "currency": "KZT"},
            "status": "active",
        },
    )


def _seed_people(
    session: Session, parts: Services, stock: Catalogue, advertisers: dict[str, str]
) -> list[dict[str, str]]:
    domain = stock.portal.domain
    people: list[tuple[str, str, Role, str | None]] = [
        ("Владелец портала", f"owner@{domain}", Role.OWNER, None),
        ("Оператор колл-центра", f"operator@{domain}", Role.OPERATOR, None),
        ("Модератор", f"moderator@{domain}", Role.MODERATOR, None),
    ]
    people += [
        (f"Отдел продаж, {row.name}", f"{row.key}@{domain}", Role.ADVERTISER, row.key) for row in stock.advertisers
    ]
    for name, email, role, key in people:
        fields = {"email": email, "name": name, "role": role.value, "password": _PASSWORD}
        accounts.create_user(
            session, parts.clock, {**fields, "advertiser_id": advertisers[key] if key else None, "locale": None}
        )
    return [{"who": name, "email": email, "password": _PASSWORD} for name, email, _, _ in people]
