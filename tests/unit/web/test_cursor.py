"""Cursors: what was written is read back, and nothing else is taken for one."""

import base64
import contextlib
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.errors import InvalidRequest
from callease.telephony.models import Call
from callease.web.api.pages import _read_cursor, _write_cursor

BY_ID, BY_TIME = (Call.id,), (Call.started_at, Call.id)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)), st.text("0az_", min_size=1))
def test_a_cursor_is_read_back_to_the_microsecond(at: datetime, id: str) -> None:
    row = SimpleNamespace(id=id, started_at=at)
    assert _read_cursor(_write_cursor(row, BY_ID), BY_ID) == [id]
    assert _read_cursor(_write_cursor(row, BY_TIME), BY_TIME) == [at, id]


@given(st.datetimes(timezones=st.just(UTC)))
def test_it_goes_into_an_address_as_it_is(at: datetime) -> None:
    cursor = _write_cursor(SimpleNamespace(id="call_1", started_at=at), BY_TIME)
    assert cursor.replace("-", "").replace("_", "").isalnum()


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "ы", "=", "AAAA", "call_1", _packed("call_1"), _packed([]), _packed(["call_1"]), _packed([1, 2]),
     _packed(["yesterday", "call_1"]), _packed(["2026-11-21T10:00:00", "call_1"]), _packed({"a": "b"}),
     _packed(["0001-01-01T00:00:00+14:00", "call_1"]), _packed(["2026-11-21T10:00:00Z", None]),
     base64.urlsafe_b64encode(b"[" * 5_000).decode(), base64.urlsafe_b64encode(b"\xff\xff").decode()],
)  # fmt: skip
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        _read_cursor(cursor, BY_TIME)


@given(st.text())
def test_any_text_is_read_or_refused(cursor: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert len(_read_cursor(cursor, BY_TIME)) == 2
