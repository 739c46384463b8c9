"""Visits, what visitors did with a lease, and who called before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base


class Visit(Base):
    """One session on a site and where it came from; `clients` are the ids of analytics systems and clicks."""

    __tablename__ = "visits"
    __table_args__ = (Index(None, "site_id", "session", "started_at"), Index(None, "site_id", "visitor", "started_at"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    visitor: Mapped[str | None] = mapped_column(String(100))
    session: Mapped[str | None] = mapped_column(String(100))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    landing: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    referrer: Mapped[str | None] = mapped_column(Text)
    source_class: Mapped[str] = mapped_column(String(40))
    source: Mapped[str | None] = mapped_column(String(200))
    medium: Mapped[str | None] = mapped_column(String(200))
    campaign: Mapped[str | None] = mapped_column(Text)
    term: Mapped[str | None] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(Text)
    clients: Mapped[dict[str, Any]]
    device: Mapped[str | None] = mapped_column(String(20))
    is_bot: Mapped[bool] = mapped_column(Boolean)


class LeaseEvent(Base):
    """What a visitor did with a shown number: dial, copy, qr, again (asked for it once more)."""

    __tablename__ = "lease_events"
    __table_args__ = (Index(None, "lease_id", "at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lease_id: Mapped[str] = mapped_column(ForeignKey("leases.id"))
    type: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]


class CallerMemory(Base):
    """What was believed of a caller's call, by a keyed hash of the phone: it outlives the phone and the number's moves.

    `leases`: `[lease, visitor, listing, source class, probability]` each; `unknown`: probability by source class of
    what no named lease has; `visitors`: probability by visitor; see `facts.Memory`.
    """

    __tablename__ = "caller_memory"
    __table_args__ = (
        Index(None, "caller_hash", "at"),
        Index(None, "number_id", "caller_hash", "at"),
    )

    call_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number_id: Mapped[str] = mapped_column(ForeignKey("numbers.id"))
    caller_hash: Mapped[str] = mapped_column(String(40))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    leases: Mapped[list[Any]]
    unknown: Mapped[dict[str, Any]]
    visitors: Mapped[dict[str, Any]]
    first_at: Mapped[datetime]
    at: Mapped[datetime]


class LearntDelays(Base):
    """One row: what the log says of delays, up to `until`; `state` is the learner's own."""

    __tablename__ = "learnt_delays"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    first: Mapped[list[Any]]
    again: Mapped[list[Any]]
    hidden: Mapped[float] = mapped_column(Float)
    young: Mapped[list[Any]]
    state: Mapped[dict[str, Any]]
    until: Mapped[datetime]


class MeasuredReveals(Base):
    """What measure mode counted: visitors who asked for the number of one office's listings within one hour.

    `hour_at` is the hour's beginning.
    """

    __tablename__ = "measured_reveals"
    __table_args__ = (Index(None, "hour_at"),)

    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"), primary_key=True)
    source_class: Mapped[str] = mapped_column(String(40), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class MeasuredVisits(Base):
    """The same of visits, which belong to a site and to no office: for sizing numbers that are swapped on page load."""

    __tablename__ = "measured_visits"
    __table_args__ = (Index(None, "hour_at"),)

    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    source_class: Mapped[str] = mapped_column(String(40), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
