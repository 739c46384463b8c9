"""Codes: which there are, in which order they come, and what a telephone makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.numbers.codes import LENGTHS, Length, dialled_code

EMERGENCY = {"000", "101", "102", "103", "104", "110", "111", "112", "119", "911", "999"}
_lengths = st.builds(Length, st.integers(1, 100_000), st.integers(1, 500))


def all_codes() -> list[str]:
    return [str(length.first + offset) for length in LENGTHS for offset in range(length.size)]


def test_the_shortest_have_three_digits_and_the_longest_six() -> None:
    assert [len(str(length.first)) for length in LENGTHS] == [3, 4, 5, 6]
    for length in LENGTHS:
        assert len(str(length.first + length.size - 1)) == len(str(length.first))


def test_no_code_is_the_beginning_of_another() -> None:
    """Who stops dialling too early has dialled nobody's code: the first digit says how many follow."""
    length_of: dict[str, int] = {}
    for code in all_codes():
        assert length_of.setdefault(code[0], len(code)) == len(code)


def test_no_code_is_an_emergency_number_or_begins_with_zero() -> None:
    codes = all_codes()
    assert not EMERGENCY & set(codes)
    assert all(code[0] not in "01" for code in codes)


@given(_lengths)
def test_every_code_comes_once(length: Length) -> None:
    codes = [length.code(index) for index in range(length.size)]
    assert set(codes) == {str(length.first + offset) for offset in range(length.size)}
    assert [length.index(code) for code in codes] == list(range(length.size))


@pytest.mark.parametrize("length", LENGTHS)
def test_codes_given_one_after_another_are_far_apart(length: Length) -> None:
    """A wrong last digit does not lead to somebody who was given a code just before or after."""
    for index in range(50):
        near = {int(length.code(index + ahead)) for ahead in range(1, 6)}
        assert all(abs(int(length.code(index)) - other) > 9 for other in near)


@given(_lengths, st.integers(0, 10**6))
def test_codes_of_other_lengths_have_no_place(length: Length, code: int) -> None:
    index = length.index(str(code))
    assert (index is not None) is (length.first <= code < length.first + length.size)


@given(_lengths, st.data())
def test_what_was_used_has_no_gap(length: Length, data: st.DataObject) -> None:
    indexes = data.draw(st.sets(st.integers(0, length.size - 1), max_size=20))
    held_until = {length.code(index): index + 1 for index in indexes}
    used = length.used({**held_until, "0": 7})
    assert set(used) == {length.code(index) for index in range(max(indexes, default=-1) + 1)}
    assert {code: until for code, until in used.items() if until} == held_until


@pytest.mark.parametrize(
    ("digits", "code"),
    [("234", "234"), ("234#", "234"), ("*234#", "234"), (" 2 3 4 ", "234"), (",,234", "234"), ("2-3-4", "234"),
     ("", None), (None, None), ("#", None), ("*", None)],
)  # fmt: skip
def test_what_was_dialled(digits: str | None, code: str | None) -> None:
    assert dialled_code(digits) == code


def test_more_digits_than_any_code_has_are_no_code() -> None:
    assert len(dialled_code("7" * 100) or "") == 20
