"""The outbox: an event is a row written in the transaction of its fact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from callease.base.clock import rfc3339
from callease.base.database import Base
from callease.base.ids import new_id


class OutboxEvent(Base):
    """One announced fact; `payload` is the whole body that every receiver gets."""

    __tablename__ = "outbox_events"
    __table_args__ = (Index(None, "fanned_out_at", "created_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    advertiser_id: Mapped[str | None] = mapped_column(String(40), index=True)
    subject_id: Mapped[str] = mapped_column(String(40), index=True)
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    fanned_out_at: Mapped[datetime | None]


def announce(
    session: Session, type_: str, subject_id: str, advertiser_id: str | None, data: dict[str, Any], at: datetime
) -> OutboxEvent:
    """Adds the event; `subject_id` is the lead, call or call-back that it tells of."""
    event = OutboxEvent(
        id=new_id("evt"),
        type=type_,
        advertiser_id=advertiser_id,
        subject_id=subject_id,
        payload={"type": type_, "timestamp": rfc3339(at), "data": data},
        created_at=at,
    )
    session.add(event)
    session.flush()
    return event
