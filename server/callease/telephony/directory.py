"""The owner table, read from the database in one statement: number -> office and who is rung."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, aliased

from callease.catalog.models import Advertiser, Office
from callease.numbers.models import Number
from callease.telephony.models import TelephonyAccount
from callease.telephony.routing import NumberFacts, OfficeFacts

_Overflow = aliased(Office)
_Centre = aliased(Office)
_DEFAULT_TIMEZONE = "UTC"


@dataclass(frozen=True)
class Owner:
    """A number with its office and the offices that may be rung instead."""

    number: NumberFacts
    office: OfficeFacts
    overflow: OfficeFacts | None
    call_centre: OfficeFacts | None


@dataclass(frozen=True)
class AccountFacts:
    id: str
    provider: str
    address: str
    credentials_sealed: str


def find_owner(session: Session, e164: str) -> Owner | None:
    """None for a number that Callease does not know. Retired numbers still have their owner."""
    row = session.execute(_owner_query().where(Number.e164 == e164)).one_or_none()
    return _owner(row) if row else None


def find_office(session: Session, office_id: str) -> tuple[OfficeFacts, OfficeFacts | None]:
    """An office that exists, and its overflow office."""
    query = (
        select(Office, Advertiser.plan, _Overflow)
        .outerjoin(Advertiser, Advertiser.id == Office.advertiser_id)
        .outerjoin(_Overflow, _Overflow.id == Office.overflow_office_id)
        .where(Office.id == office_id)
    )
    office, plan, overflow = session.execute(query).one()
    return office_facts(office, plan), office_facts(overflow, None) if overflow else None


def find_account(session: Session, address: str) -> AccountFacts | None:
    account = session.scalar(
        select(TelephonyAccount).where(TelephonyAccount.address == address, TelephonyAccount.retired_at.is_(None))
    )
    if account is None:
        return None
    return AccountFacts(account.id, account.provider, account.address, account.credentials_sealed)


def office_facts(office: Office, plan: str | None) -> OfficeFacts:
    return OfficeFacts(
        id=office.id,
        name=office.name,
        advertiser_id=office.advertiser_id,
        plan=plan,
        destinations=office.destinations,
        hours=office.hours,
        timezone=office.timezone or _DEFAULT_TIMEZONE,
        overflow_office_id=office.overflow_office_id,
    )


def number_facts(number: Number) -> NumberFacts:
    return NumberFacts(
        id=number.id,
        e164=number.e164,
        office_id=number.office_id,
        source_class=number.source_class,
        role=number.role,
        owner_since=number.owner_since,
        state=number.state,
    )


def _owner_query() -> Select[*tuple[Any, ...]]:
    centre_id = (
        select(Office.id)
        .where(Office.advertiser_id.is_(None), Office.retired_at.is_(None))
        .order_by(Office.created_at, Office.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(Number, Office, Advertiser.plan, _Overflow, _Centre)
        .join(Office, Office.id == Number.office_id)
        .outerjoin(Advertiser, Advertiser.id == Office.advertiser_id)
        .outerjoin(_Overflow, _Overflow.id == Office.overflow_office_id)
        .outerjoin(_Centre, _Centre.id == centre_id)
    )


def _owner(row: Row[*tuple[Any, ...]]) -> Owner:
    number, office, plan, overflow, centre = tuple(row)
    return Owner(
        number=number_facts(number),
        office=office_facts(office, plan),
        overflow=office_facts(overflow, None) if overflow else None,
        call_centre=office_facts(centre, None) if centre else None,
    )
