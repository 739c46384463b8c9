"""Proof of work: who has worked is believed, once and not for long; nobody else is."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.attribution.challenge import MAX, make, solve, solved

KEY, SITE = b"key of challenges", "sit_1"
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def solution() -> str:
    return solve(make(KEY, SITE, NOW))


def changed(solution: str, **fields: Any) -> str:
    return base64.b64encode(json.dumps({**json.loads(base64.b64decode(solution)), **fields}).encode()).decode()


def test_a_solution_is_believed_and_known_again(solution: str) -> None:
    assert solved(KEY, SITE, solution, NOW) == solved(KEY, SITE, solution, NOW + timedelta(minutes=9))
    other = solve(make(KEY, SITE, NOW))
    assert solved(KEY, SITE, other, NOW) not in (None, solved(KEY, SITE, solution, NOW))


def test_it_is_worth_nothing_later_elsewhere_or_under_another_key(solution: str) -> None:
    assert solved(KEY, SITE, solution, NOW + timedelta(minutes=11)) is None
    assert solved(KEY, "sit_2", solution, NOW) is None
    assert solved(b"another key", SITE, solution, NOW) is None


def test_nothing_in_it_can_be_changed(solution: str) -> None:
    read = json.loads(base64.b64decode(solution))
    later = read["salt"].replace("expires=1", "expires=2")
    for fields in ({"number": (read["number"] + 1) % MAX}, {"salt": later}, {"signature": "0" * 64}, {"number": "1"},
                   {"challenge": "0" * 64}, {"salt": 5}):  # fmt: skip
        assert solved(KEY, SITE, changed(solution, **fields), NOW) is None


def test_no_digit_of_the_number_can_move_into_the_time(solution: str) -> None:
    read = json.loads(base64.b64decode(solution))
    for taken in range(1, len(str(read["number"])) + 1):
        digits = str(read["number"])
        for salt in (read["salt"] + digits[:taken], read["salt"].rstrip("&") + digits[:taken]):
            moved = changed(solution, salt=salt, number=int(digits[taken:] or 0))
            assert solved(KEY, SITE, moved, NOW + timedelta(minutes=11)) is None


@pytest.mark.parametrize("name", ["challenge", "salt", "signature"])
@pytest.mark.parametrize("value", ["\ud800", "é", "0" * 63 + "\n", {}, 1e999])
def test_what_is_no_text_of_ours_is_refused_and_breaks_nothing(solution: str, name: str, value: Any) -> None:
    assert solved(KEY, SITE, changed(solution, **{name: value}), NOW) is None


@given(st.none() | st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()))
def test_anything_else_solves_nothing(text: str | None) -> None:
    assert solved(KEY, SITE, text, NOW) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of), max_leaves=4))
def test_json_of_any_shape_solves_nothing(value: Any) -> None:
    for shaped in (value, dict.fromkeys(("challenge", "salt", "number", "signature"), value)):
        assert solved(KEY, SITE, base64.b64encode(json.dumps(shaped).encode()).decode(), NOW) is None
