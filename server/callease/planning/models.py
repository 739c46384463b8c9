"""Sizings: asked for, computed by a worker, kept with their date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base


class SizingRun(Base):
    """`state` is waiting, done or failed; `problem` says why it failed.

    `slot`: site and day of one that nobody asked for, so that of several workers one makes it; None when asked for.
    `result` is what `planning.sizing_report` makes.
    """

    __tablename__ = "sizings"
    __table_args__ = (Index(None, "site_id", "asked_at"), Index(None, "state", "due_at"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    slot: Mapped[str | None] = mapped_column(String(60), unique=True)
    state: Mapped[str] = mapped_column(String(10))
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(String(20))
    result: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
