"""What is advertised, by whom, and who answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base


class Site(Base):
    """`lease_seconds` is how long a lease holds its number; `token_key_sealed` signs page tokens."""

    __tablename__ = "sites"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(40), unique=True)
    token_key_sealed: Mapped[str] = mapped_column(String(300))
    domains: Mapped[list[str]]
    region: Mapped[str] = mapped_column(String(2))
    timezone: Mapped[str] = mapped_column(String(60))
    locale: Mapped[str] = mapped_column(String(10))
    excluded_ips: Mapped[list[str]]
    mode: Mapped[str] = mapped_column(String(10))
    objective: Mapped[str] = mapped_column(String(10))
    consent_required: Mapped[bool] = mapped_column(Boolean)
    require_token: Mapped[bool] = mapped_column(Boolean)
    lease_seconds: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Advertiser(Base):
    __tablename__ = "advertisers"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    external_id: Mapped[str | None] = mapped_column(String(100))
    plan: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Office(Base):
    """`advertiser_id` None: the portal's own call centre. `pool_version` grows when the office's numbers change."""

    __tablename__ = "offices"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    advertiser_id: Mapped[str | None] = mapped_column(ForeignKey("advertisers.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    destinations: Mapped[list[Any]]
    hours: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    timezone: Mapped[str | None] = mapped_column(String(60))
    overflow_office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"))
    pool_version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Listing(Base):
    """`office_id` None: the advertiser's first office answers. `price` is kept in the shape that it came in.

    `revision` is that of the change that wrote the row last, see `catalog.revisions`.
    """

    __tablename__ = "listings"
    __table_args__ = (
        UniqueConstraint("site_id", "external_id"),
        Index(None, "advertiser_id", "status"),
        Index(None, "revision"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    advertiser_id: Mapped[str] = mapped_column(ForeignKey("advertisers.id"))
    office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"), index=True)
    external_id: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(String(16))
    complex: Mapped[str | None] = mapped_column(String(200))
    price: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    status: Mapped[str] = mapped_column(String(10))
    revision: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Revision(Base):
    """Counters that grow with every change of a group of tables: `routing` (all but listings) and `listings`."""

    __tablename__ = "revisions"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(Integer)
