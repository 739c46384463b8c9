"""Opening hours: `{"mon": [["09:00", "18:00"]], ...}` in the office's own time zone; no hours means always open."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD_DAYS = 8


def is_open(hours: dict[str, Any] | None, timezone: str, at: datetime) -> bool:
    """Whether somebody answers at the moment `at`; a span that ends at or before its start runs past midnight."""
    if not hours:
        return True
    local = at.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    return any(start <= local < end for start, end in _spans(hours, local - timedelta(days=1), 2))


def opens_at(hours: dict[str, Any] | None, timezone: str, at: datetime) -> datetime | None:
    """The next opening after `at`, in UTC; None when it is open now or no day has hours."""
    if is_open(hours, timezone, at) or not hours:
        return None
    zone = ZoneInfo(timezone)
    local = at.astimezone(zone).replace(tzinfo=None)
    # Where clocks are put back an hour comes twice, and the office opens twice.
    starts = [
        start.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        for start, _ in _spans(hours, local, _LOOK_AHEAD_DAYS)
        for fold in (0, 1)
    ]
    return min((start for start in starts if start > at and is_open(hours, timezone, start)), default=None)


def _spans(hours: dict[str, Any], first: datetime, days: int) -> list[tuple[datetime, datetime]]:
    spans = []
    for offset in range(days):
        day = (first + timedelta(days=offset)).date()
        for opens, closes in hours.get(WEEKDAYS[day.weekday()], []):
            start, end = datetime.combine(day, _clock(opens)), datetime.combine(day, _clock(closes))
            spans.append((start, end if end > start else end + timedelta(days=1)))
    return spans


def _clock(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text)
