"""The demo's past is over when it starts, and leaves something to do. At this hour an office once had nothing."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from callease.base.clock import SetClock
from callease.cli.demo_seed import seed
from callease.leads.models import Lead
from callease.telephony.models import Call
from callease.web.services import Services


def test_nothing_is_still_to_come_and_every_office_has_something_to_do(parts: Services, clock: SetClock) -> None:
    started = datetime(2026, 11, 27, 14, 41, tzinfo=UTC)
    clock.set(started)
    seed(parts, "http://localhost:8000")
    with parts.database.reading() as session:
        assert session.scalar(select(func.max(Call.ended_at))) < started
        assert session.scalar(select(func.max(Lead.updated_at))) < started
        called = set(session.scalars(select(Lead.office_id)))
        waiting = select(Lead.office_id).where(Lead.status == "new").distinct()
        assert set(session.scalars(waiting)) == called
