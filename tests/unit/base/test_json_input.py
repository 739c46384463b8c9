"""JSON from outside."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.json_input import read_json


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, "\xd0\x91", null]}', {"a": [1, "Б", None]}),
        (b'\xef\xbb\xbf"after a byte order mark"', "after a byte order mark"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\ud83d"', "\ufffd"),
        (r'"cut \uD83D"', "cut \ufffd"),
        (r'{"\u0000": ["a\u0000b"]}', {"\ufffd": ["a\ufffdb"]}),
        (r'"\\u0000 and \\ud800"', r"\u0000 and \ud800"),
    ],
)
def test_what_it_reads(raw: bytes | str, value: Any) -> None:
    assert read_json(raw) == value


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"nonsense", b"\xff", b'"\xed\xa0\x80"', b'"\x00"', b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_it_refuses(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(raw)


_any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, exclude_categories=()))


@given(
    st.recursive(
        _any_text | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(_any_text, inner)
    )
)
def test_all_text_that_is_read_can_be_kept(value: Any) -> None:
    kept = json.dumps(read_json(json.dumps(value)), ensure_ascii=False)
    assert "\\u0000" not in kept.replace("\\\\", "")
    kept.encode()
