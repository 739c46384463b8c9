"""Times on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.clock import SetClock, parse_rfc3339, rfc3339


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 11, 21, 10, tzinfo=UTC), "2026-11-21T10:00:00Z"),
        (datetime(2026, 11, 21, 15, tzinfo=timezone(timedelta(hours=5))), "2026-11-21T10:00:00Z"),
        (datetime(2026, 11, 21, 10, 0, 0, 250_000, tzinfo=UTC), "2026-11-21T10:00:00.250Z"),
    ],
)
def test_they_are_written_in_utc(at: datetime, text: str) -> None:
    assert rfc3339(at) == text
    assert parse_rfc3339(text) == at


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))
def test_they_are_read_back_to_the_millisecond(at: datetime) -> None:
    assert abs(parse_rfc3339(rfc3339(at)) - at.astimezone(UTC)) < timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["2026-11-21T10:00:00", "2026-11-21", "yesterday", "", "2026-13-01T00:00:00Z"])
def test_a_time_without_its_offset_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc3339(text)


def test_a_set_clock_moves_only_when_it_is_told() -> None:
    clock = SetClock(datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(90.5)
    assert rfc3339(clock.now()) == "2026-11-21T10:01:30.500Z"
