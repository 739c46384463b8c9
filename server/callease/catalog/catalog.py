"""Sites, advertisers, offices and listings: made, changed, found."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.database import Base
from callease.base.errors import Conflict, InvalidRequest
from callease.base.ids import new_id, secret_token
from callease.base.secrets import SecretBox
from callease.catalog.models import Advertiser, Listing, Office, Site

Row = TypeVar("Row", bound=Base)


def create_site(session: Session, clock: Clock, box: SecretBox, fields: dict[str, Any]) -> tuple[Site, str]:
    """The site and its `token_key`, which host sites sign page tokens with."""
    token_key = secret_token(32)
    site = Site(
        id=new_id("sit"),
        key=secret_token(15),
        token_key_sealed=box.seal(token_key),
        created_at=clock.now(),
        **fields,
    )
    session.add(site)
    session.flush()
    return site, token_key


def create_advertiser(session: Session, clock: Clock, fields: dict[str, Any]) -> Advertiser:
    """The advertiser, and its first office under the same name."""
    advertiser = Advertiser(id=new_id("adv"), created_at=clock.now(), **fields)
    session.add(advertiser)
    session.flush()
    office_fields: dict[str, Any] = {"advertiser_id": advertiser.id, "name": advertiser.name, "destinations": []}
    create_office(session, clock, office_fields)
    return advertiser


def create_office(session: Session, clock: Clock, fields: dict[str, Any]) -> Office:
    office = Office(id=new_id("off"), created_at=clock.now(), pool_version=1, **fields)
    session.add(office)
    session.flush()
    return office


def update_office(session: Session, office: Office, fields: dict[str, Any]) -> Office:
    advertiser_id = fields.get("advertiser_id", office.advertiser_id)
    if advertiser_id != office.advertiser_id:
        raise Conflict("office_keeps_its_advertiser")
    if fields.get("overflow_office_id") == office.id:
        raise InvalidRequest({"overflow_office": ["an office cannot be its own overflow"]})
    return change(session, office, fields)


def first_office(session: Session, advertiser_id: str) -> Office | None:
    """The office that answers for an advertiser's listings that name none."""
    query = (
        select(Office)
        .where(Office.advertiser_id == advertiser_id, Office.retired_at.is_(None))
        .order_by(Office.created_at, Office.id)
    )
    return session.scalar(query.limit(1))


def create_listing(session: Session, clock: Clock, fields: dict[str, Any]) -> Listing:
    """Raises Conflict("external_id_taken") when the site has such a listing."""
    _check_office(session, fields.get("office_id"), fields["advertiser_id"])
    if find_listing(session, fields["site_id"], fields["external_id"]):
        raise Conflict("external_id_taken")
    now = clock.now()
    listing = Listing(id=new_id("lst"), created_at=now, updated_at=now, **fields)
    session.add(listing)
    session.flush()
    return listing


def update_listing(session: Session, clock: Clock, listing: Listing, fields: dict[str, Any]) -> Listing:
    advertiser_id = fields.get("advertiser_id", listing.advertiser_id)
    _check_office(session, fields.get("office_id", listing.office_id), advertiser_id)
    moved_to = fields.get("site_id", listing.site_id), fields.get("external_id", listing.external_id)
    if moved_to != (listing.site_id, listing.external_id) and find_listing(session, *moved_to):
        raise Conflict("external_id_taken")
    return change(session, listing, {**fields, "updated_at": clock.now()})


def upsert_listing(session: Session, clock: Clock, fields: dict[str, Any]) -> tuple[Listing, bool]:
    """The listing of (`site_id`, `external_id`) as `fields` have it, and whether it is new."""
    listing = find_listing(session, fields["site_id"], fields["external_id"])
    if listing is None:
        return create_listing(session, clock, fields), True
    return update_listing(session, clock, listing, fields), False


def find_listing(session: Session, site_id: str, external_id: str) -> Listing | None:
    return session.scalar(select(Listing).where(Listing.site_id == site_id, Listing.external_id == external_id))


def change(session: Session, row: Row, fields: dict[str, Any]) -> Row:
    for name, value in fields.items():
        setattr(row, name, value)
    session.flush()
    return row


def retire(session: Session, clock: Clock, row: Site | Advertiser | Office) -> None:
    row.retired_at = clock.now()
    session.flush()


def close_listing(session: Session, clock: Clock, listing: Listing) -> None:
    change(session, listing, {"status": "closed", "updated_at": clock.now()})


def _check_office(session: Session, office_id: str | None, advertiser_id: str) -> None:
    if office_id is None:
        return
    owner = session.scalar(select(Office.advertiser_id).where(Office.id == office_id))
    if owner != advertiser_id:
        raise InvalidRequest({"office": ["is not an office of this advertiser"]})
