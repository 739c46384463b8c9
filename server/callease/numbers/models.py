"""Numbers and the log of their leases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base
from callease.catalog.revisions import watch


class Number(Base):
    """`source_class` None: for any class. `owner_since` is when the present office got the number.

    `state` is a `NumberState`. In quarantine, and only there, `next_office_id` is who gets the number,
    `quarantine_until` from when and `next_source_class` for what; `office_id` is the owner all the while.
    `previous_office_id`: who had it before `owner_since`, None when nobody.
    """

    __tablename__ = "numbers"
    __table_args__ = (Index(None, "office_id", "state"), Index(None, "state", "quarantine_until"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    e164: Mapped[str] = mapped_column(String(16), unique=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    source_class: Mapped[str | None] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(10))
    telephony_account_id: Mapped[str | None] = mapped_column(ForeignKey("telephony_accounts.id"))
    monthly_cost: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(12))
    owner_since: Mapped[datetime]
    previous_office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"))
    next_office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"))
    next_source_class: Mapped[str | None] = mapped_column(String(40))
    quarantine_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Lease(Base):
    """One row of the lease log: which visitor and listing a number was shown for, and from when.

    `consented` False: where consent is required and was not given; attribution may state the source class only.
    `borrowed`: the number belongs to another class of the office. `kind` is dynamic or shared. `weight`: what the lease
    counts in its number's pool, less than 1 where the visitor's phone was known (`LeaseRequest.weight`).
    """

    __tablename__ = "leases"
    __table_args__ = (
        Index(None, "number_id", "leased_at"),
        Index(None, "office_id", "expires_at"),
        Index(None, "site_id", "leased_at"),
        Index(None, "visitor", "leased_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number_id: Mapped[str] = mapped_column(ForeignKey("numbers.id"))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    listing_id: Mapped[str | None] = mapped_column(ForeignKey("listings.id"), index=True)
    subject: Mapped[str] = mapped_column(String(64))
    visitor: Mapped[str | None] = mapped_column(String(100))
    session: Mapped[str | None] = mapped_column(String(100))
    visit_id: Mapped[str | None] = mapped_column(String(40))
    source_class: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))
    borrowed: Mapped[bool] = mapped_column(Boolean)
    consented: Mapped[bool] = mapped_column(Boolean)
    weight: Mapped[float] = mapped_column(Float)
    page_url: Mapped[str | None] = mapped_column(Text)
    referrer: Mapped[str | None] = mapped_column(Text)
    leased_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SpentLease(Base):
    """How likely a call was the first one of a lease; `hidden`: of a caller who hid the number.

    `told_p`: as much of it as the number's pool knows; `pool_told`: there is no more to tell.
    """

    __tablename__ = "spent_leases"
    __table_args__ = (Index(None, "lease_id", "at"), Index(None, "at"), Index(None, "pool_told", "at"))

    call_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lease_id: Mapped[str] = mapped_column(ForeignKey("leases.id"), primary_key=True)
    p: Mapped[float] = mapped_column(Float)
    hidden: Mapped[bool] = mapped_column(Boolean)
    pool_told: Mapped[bool] = mapped_column(Boolean)
    told_p: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime]


class NumberCode(Base):
    """The code by which a lease is told from others of its number; `id` is the lease's.

    `free_since` is when the code's lease before it ended, the beginning of time for a code never leased: of two who
    took the same code from the same lease, only one can be in the log.
    """

    __tablename__ = "number_codes"
    __table_args__ = (
        UniqueConstraint("number_id", "code", "free_since"),
        Index(None, "number_id", "code", "leased_at"),
    )

    id: Mapped[str] = mapped_column(ForeignKey("leases.id"), primary_key=True)
    number_id: Mapped[str] = mapped_column(ForeignKey("numbers.id"))
    code: Mapped[str] = mapped_column(String(8))
    free_since: Mapped[datetime]
    leased_at: Mapped[datetime]
    expires_at: Mapped[datetime]


watch(Number)
