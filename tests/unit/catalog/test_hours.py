"""Opening hours, past midnight, across clock changes, on the other side of the week."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.catalog.hours import WEEKDAYS, is_open, opens_at

OFFICE = {day: [["09:00", "13:00"], ["14:00", "18:00"]] for day in WEEKDAYS[:5]} | {"sat": [["10:00", "15:00"]]}
BAR = {"fri": [["20:00", "04:00"]], "sun": [["23:30", "00:30"]]}
NIGHT_SHIFT = {"sat": [["22:00", "24:00"]], "sun": [["00:00", "06:00"]]}
ALL_DAY = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
SAME = {"mon": [["09:00", "09:00"]]}

# 2026-11-21 is a Saturday. Almaty is five hours ahead of UTC.
OPEN = [
    (OFFICE, "2026-11-20 08:59", False),
    (OFFICE, "2026-11-20 09:00", True),
    (OFFICE, "2026-11-20 12:59", True),
    (OFFICE, "2026-11-20 13:00", False),
    (OFFICE, "2026-11-20 14:00", True),
    (OFFICE, "2026-11-20 18:00", False),
    (OFFICE, "2026-11-21 10:00", True),
    (OFFICE, "2026-11-22 12:00", False),
    (BAR, "2026-11-20 19:59", False),
    (BAR, "2026-11-20 23:59", True),
    (BAR, "2026-11-21 00:00", True),
    (BAR, "2026-11-21 03:59", True),
    (BAR, "2026-11-21 04:00", False),
    (BAR, "2026-11-21 21:00", False),
    (BAR, "2026-11-22 23:45", True),
    (BAR, "2026-11-23 00:15", True),
    (BAR, "2026-11-23 00:30", False),
    (NIGHT_SHIFT, "2026-11-21 23:59", True),
    (NIGHT_SHIFT, "2026-11-22 00:00", True),
    (NIGHT_SHIFT, "2026-11-22 06:00", False),
    (ALL_DAY, "2026-11-22 00:00", True),
    (ALL_DAY, "2026-11-22 23:59", True),
    (SAME, "2026-11-23 09:00", True),
    (SAME, "2026-11-24 08:59", True),
    (SAME, "2026-11-24 09:00", False),
    ({"mon": []}, "2026-11-23 12:00", False),
    ({}, "2026-11-22 03:00", True),
    (None, "2026-11-22 03:00", True),
]


def almaty(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+05:00")


@pytest.mark.parametrize(("hours", "local", "expected"), OPEN)
def test_is_open(hours: dict[str, Any] | None, local: str, expected: bool) -> None:
    assert is_open(hours, "Asia/Almaty", almaty(local)) is expected


@pytest.mark.parametrize(
    ("hours", "local", "opens"),
    [
        (OFFICE, "2026-11-20 08:00", "2026-11-20 09:00"),
        (OFFICE, "2026-11-20 13:30", "2026-11-20 14:00"),
        (OFFICE, "2026-11-20 18:00", "2026-11-21 10:00"),
        (OFFICE, "2026-11-21 15:00", "2026-11-23 09:00"),
        (BAR, "2026-11-21 04:00", "2026-11-22 23:30"),
        (BAR, "2026-11-23 01:00", "2026-11-27 20:00"),
        (SAME, "2026-11-24 09:00", "2026-11-30 09:00"),
    ],
)
def test_opens_at(hours: dict[str, Any], local: str, opens: str) -> None:
    assert opens_at(hours, "Asia/Almaty", almaty(local)) == almaty(opens)


@pytest.mark.parametrize("hours", [None, {}, ALL_DAY, OFFICE])
def test_what_is_open_does_not_open(hours: dict[str, Any] | None) -> None:
    assert opens_at(hours, "Asia/Almaty", almaty("2026-11-20 10:00")) is None


def test_what_has_no_hours_on_any_day_never_opens() -> None:
    assert opens_at({"mon": []}, "Asia/Almaty", almaty("2026-11-20 10:00")) is None


class TestClockChanges:
    """Berlin goes ahead on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00."""

    def test_the_same_hours_are_another_time_in_summer(self) -> None:
        hours = {"mon": [["09:00", "18:00"]]}
        assert opens_at(hours, "Europe/Berlin", datetime(2026, 1, 12, tzinfo=UTC)) == datetime(
            2026, 1, 12, 8, tzinfo=UTC
        )
        assert opens_at(hours, "Europe/Berlin", datetime(2026, 7, 13, tzinfo=UTC)) == datetime(
            2026, 7, 13, 7, tzinfo=UTC
        )

    def test_a_span_over_the_hour_that_is_not_there(self) -> None:
        hours = {"sun": [["01:30", "03:30"]]}
        for utc, expected in ((0, False), (0.5, True), (1, True), (1.4, True), (1.5, False)):
            at = datetime(2026, 3, 29, tzinfo=UTC) + timedelta(hours=utc)
            assert is_open(hours, "Europe/Berlin", at) is expected, at

    def test_an_opening_in_the_hour_that_is_not_there(self) -> None:
        opens = opens_at({"sun": [["02:30", "05:00"]]}, "Europe/Berlin", datetime(2026, 3, 29, 0, 50, tzinfo=UTC))
        assert opens
        assert is_open({"sun": [["02:30", "05:00"]]}, "Europe/Berlin", opens)

    def test_the_hour_that_comes_twice(self) -> None:
        hours = {"sun": [["02:30", "02:45"]]}
        first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
        assert opens_at(hours, "Europe/Berlin", first - timedelta(minutes=20)) == first
        assert is_open(hours, "Europe/Berlin", first)
        assert opens_at(hours, "Europe/Berlin", first + timedelta(minutes=20)) == second
        assert is_open(hours, "Europe/Berlin", second)


_quarters = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02d}:{quarter % 4 * 15:02d}")
_spans = st.lists(st.lists(_quarters, min_size=2, max_size=2), max_size=2)
_weeks = st.dictionaries(st.sampled_from(WEEKDAYS), _spans, min_size=1)
_moments = st.integers(0, 7 * 96 - 1).map(lambda n: datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=15 * n))


@given(_weeks, _moments, st.sampled_from(["Asia/Almaty", "UTC", "Asia/Kolkata"]))
def test_the_next_opening_is_the_first_open_moment(hours: dict[str, Any], at: datetime, timezone: str) -> None:
    later = (at + timedelta(minutes=15 * step) for step in range(8 * 96))
    first_open = next((moment for moment in later if is_open(hours, timezone, moment)), None)
    opens = opens_at(hours, timezone, at)
    if first_open == at or first_open is None:
        assert opens is None
    else:
        assert opens == first_open


_berlin = st.datetimes(datetime(2026, 3, 27), datetime(2026, 3, 31)) | st.datetimes(
    datetime(2026, 10, 23), datetime(2026, 10, 27)
)


@given(_weeks, _berlin)
def test_an_opening_lies_ahead_and_is_one(hours: dict[str, Any], at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    if opens := opens_at(hours, "Europe/Berlin", moment):
        assert not is_open(hours, "Europe/Berlin", moment)
        assert opens > moment
        assert is_open(hours, "Europe/Berlin", opens)
