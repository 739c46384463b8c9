"""People by phone, and their enquiries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base


class Contact(Base):
    """A person by phone, within one advertiser's wall."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("advertiser_key", "phone"), Index(None, "phone"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    advertiser_id: Mapped[str | None] = mapped_column(ForeignKey("advertisers.id"), index=True)
    # The advertiser, or "" for the call centre's own: NULL would not be unique.
    advertiser_key: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(String(16))
    name: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Lead(Base):
    """One enquiry. `contact_id` None: the caller hid the number. `target`: whether it counts, None until judged."""

    __tablename__ = "leads"
    __table_args__ = (
        Index(None, "advertiser_id", "created_at", "id"),
        Index(None, "created_at", "id"),
        Index(None, "advertiser_id", "status", "created_at"),
        Index(None, "status", "created_at"),
        Index(None, "advertiser_id", "updated_at"),
        Index(None, "updated_at"),
        Index(None, "contact_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10))
    advertiser_id: Mapped[str | None] = mapped_column(ForeignKey("advertisers.id"))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), index=True)
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id"))
    first_time: Mapped[bool] = mapped_column(Boolean)
    call_id: Mapped[str | None] = mapped_column(ForeignKey("calls.id"), unique=True)
    claimed_by_id: Mapped[str | None] = mapped_column(String(40))
    claimed_by: Mapped[str | None] = mapped_column(String(254))
    tags: Mapped[list[str]]
    target: Mapped[bool | None] = mapped_column(Boolean)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class LeadChange(Base):
    """The history of a lead: what was done, by whom."""

    __tablename__ = "lead_changes"
    __table_args__ = (Index(None, "lead_id", "at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lead_id: Mapped[str] = mapped_column(ForeignKey("leads.id"))
    at: Mapped[datetime]
    actor: Mapped[str | None] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(20))
    values: Mapped[dict[str, Any]]
