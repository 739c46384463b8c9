"""What the planner proposed and what became of it; sizings: asked for, computed by a worker, kept with their date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from callease.base.database import Base
from callease.planning.proposals import Key, Kind, key_of

# How far back the planner looks: a month's habits, and of the present. Older reveals tell of listings that are sold.
WINDOW = timedelta(days=28)
_NEARLY_DAYS = 1


class ProposalRun(Base):
    """One time that the planner looks at the log. `slot` is 1 while it waits to be done: one waits at most.

    `days` and `reveals`: how much there was to look at, None before it is done.
    """

    __tablename__ = "proposal_runs"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime]
    slot: Mapped[int | None] = mapped_column(Integer, unique=True)
    claimed_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    days: Mapped[float | None] = mapped_column(Float)
    reveals: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime]

    @property
    def short(self) -> bool | None:
        """Whether the log goes back less far than the planner would look."""
        return None if self.days is None else self.days < WINDOW.days - _NEARLY_DAYS


class StoredProposal(Base):
    """A `proposals.Proposal` as it was last proposed; `state` is a `ProposalState`.

    `owned`, of a purchase: how many numbers its office was to have before it, once it is approved: how many it had.
    `gain` and `loses_meanwhile` are figures a month. `quarantine_until`: of a move that was approved. `listed_at`: when
    it was proposed last, a microsecond earlier for each better one of that run: lists begin with the newest run's best.
    """

    __tablename__ = "proposals"
    __table_args__ = (Index(None, "state", "listed_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("proposal_runs.id"))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    from_office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"))
    number_ids: Mapped[list[str]]
    count: Mapped[int] = mapped_column(Integer)
    source_class: Mapped[str | None] = mapped_column(String(40))
    at_once: Mapped[bool] = mapped_column(Boolean)
    owned: Mapped[int] = mapped_column(Integer)
    gain: Mapped[dict[str, Any]]
    loses_meanwhile: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    monthly_cost: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    quarantine_until: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[datetime | None]
    listed_at: Mapped[datetime]
    created_at: Mapped[datetime]

    @property
    def key(self) -> Key:
        return key_of(Kind(self.kind), self.office_id, self.from_office_id, self.source_class, self.number_ids)


class SizingRun(Base):
    """`state` is a `SizingState`; `problem` is a `SizingProblem`.

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
