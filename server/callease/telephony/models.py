"""Telephony accounts, what providers sent, and the calls that it came to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base
from callease.catalog.revisions import watch


class TelephonyAccount(Base):
    """`address` is the unguessable part of its URLs; `credentials_sealed` a JSON object, sealed."""

    __tablename__ = "telephony_accounts"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(64), unique=True)
    credentials_sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class RawMessage(Base):
    """A provider's message as it came, before anything was made of it. `state`: received, taken, refused."""

    __tablename__ = "telephony_messages"
    __table_args__ = (Index(None, "state", "due_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("telephony_accounts.id"), index=True)
    suffix: Mapped[str] = mapped_column(String(60))
    content_type: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime]
    problem: Mapped[str | None] = mapped_column(Text)


class CallEventRow(Base):
    """A normalised event of a call; one row however often it was delivered."""

    __tablename__ = "call_events"
    __table_args__ = (UniqueConstraint("call_id", "fingerprint"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"))
    fingerprint: Mapped[str] = mapped_column(String(40))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("telephony_messages.id"))
    type: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    caller: Mapped[str | None] = mapped_column(String(16))
    disposition: Mapped[str | None] = mapped_column(String(20))
    wait: Mapped[int | None] = mapped_column(Integer)
    talk: Mapped[int | None] = mapped_column(Integer)
    duration: Mapped[int | None] = mapped_column(Integer)
    answered_by: Mapped[str | None] = mapped_column(String(100))
    recording_url: Mapped[str | None] = mapped_column(Text)
    digits: Mapped[str | None] = mapped_column(String(20))
    received_at: Mapped[datetime]


class Call(Base):
    """`id` follows from the account and the provider's call id. `evidence` is the resolver's trace.

    `office_id` is whose call it is, `advertiser_id` that office's advertiser (None: the portal's call centre).
    """

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "advertiser_id", "started_at"),
        Index(None, "started_at", "id"),
        Index(None, "number_id", "started_at"),
        Index(None, "caller_hash", "started_at"),
        Index(None, "tracking_number", "started_at"),
        Index(None, "provider_call_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("telephony_accounts.id"))
    provider_call_id: Mapped[str] = mapped_column(String(200))
    number_id: Mapped[str] = mapped_column(ForeignKey("numbers.id"))
    tracking_number: Mapped[str] = mapped_column(String(16))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    advertiser_id: Mapped[str | None] = mapped_column(ForeignKey("advertisers.id"))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    listing_id: Mapped[str | None] = mapped_column(ForeignKey("listings.id"), index=True)
    lease_id: Mapped[str | None] = mapped_column(ForeignKey("leases.id"), index=True)
    caller: Mapped[str | None] = mapped_column(String(16))
    caller_hash: Mapped[str | None] = mapped_column(String(40))
    digits: Mapped[str | None] = mapped_column(String(20))
    routed_at: Mapped[datetime | None]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wait: Mapped[int | None] = mapped_column(Integer)
    talk: Mapped[int | None] = mapped_column(Integer)
    duration: Mapped[int | None] = mapped_column(Integer)
    disposition: Mapped[str | None] = mapped_column(String(20))
    destination: Mapped[str | None] = mapped_column(String(100))
    recording_url: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str] = mapped_column(String(20))
    source_class: Mapped[str | None] = mapped_column(String(40))
    office_confidence: Mapped[float]
    source_confidence: Mapped[float]
    session_confidence: Mapped[float]
    candidates: Mapped[list[Any]]
    evidence: Mapped[list[Any]]
    events_seen: Mapped[list[str]]
    updated_at: Mapped[datetime]


watch(TelephonyAccount)
