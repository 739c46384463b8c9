"""Files of somebody else's making are refused with what is wrong, and where."""

import json
from typing import Any

import pytest

from callease.planning.replay_input import WrongInput, checked, numbers_file
from tests.support.streams import as_lines, call, reveal

FIRST = reveal(0, 1)
WRONG_LINES: tuple[tuple[bytes | dict[str, Any], str], ...] = (
    (b'{"t": 1,', "is not JSON: Expecting property name enclosed in double quotes at character 9"),
    (b"[1, 2]", "is not an object"),
    (b"\xff\xfe", "is not UTF-8"),
    (b"[" * 100_000, "is not JSON: nested too deeply"),
    (b'{"t": 1, "kind": "call", "of": 1' + b"0" * 5_000 + b"}", "is not JSON: Exceeds the limit"),
    ({"t": 1}, "has no `kind`"),
    ({"t": 1, "kind": 3}, "`kind` is not a text: 3"),
    (call(1, 1) | {"kind": "visit"}, '`kind` is neither reveal nor call: "visit"'),
    ({"kind": "call", "of": 1, "caller": None}, "has no `t`"),
    (call(1, 1) | {"t": "1"}, '`t` is not a number: "1"'),
    (call(1, 1) | {"t": True}, "`t` is not a number: true"),
    (call(1, 1) | {"t": float("nan")}, "`t` is out of range: NaN"),
    (call(1, 1) | {"t": 1.7e12}, "`t` is out of range: 1700000000000.0"),
    (call(-1, 1), "`t` goes backwards, from 0 to -1"),
    ({"t": 1, "kind": "call", "of": 1}, "has no `caller`"),
    (call(1, 1) | {"caller": 7}, "`caller` is not a text or null: 7"),
    (call(1, 1) | {"of": "1"}, '`of` is not an integer: "1"'),
    (call(1, 2), "`of` names no reveal before it: 2"),
    (reveal(1, 1), "`id` was there before: 1"),
    (reveal(1, 2) | {"id": 2.5}, "`id` is not an integer: 2.5"),
    (reveal(1, 2) | {"visitor": None}, "`visitor` is not a text: null"),
    (reveal(1, 2) | {"listing": ["l"]}, '`listing` is not a text: ["l"]'),
    (reveal(1, 2, office="o9"), '`office` is not in the numbers file: "o9"'),
    (reveal(1, 2) | {"class": "x" * 80}, '`class` is not in the numbers file: "' + "x" * 59 + "..."),
    ({name: value for name, value in reveal(1, 2).items() if name != "visitor"}, "has no `visitor`"),
)
NUMBERS = {"classes": ["organic"], "offices": [{"id": "o1", "weight": 1.0, "listings": ["o1-l1"]}], "numbers": 3}
WRONG_NUMBERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"offices": [{"id": "o1"}, {"id": "o1"}]}, 'office "o1" is there twice'),
    ({"offices": [{"id": "o1", "weight": "much"}]}, 'the weight of office "o1" is not a number: "much"'),
    ({"offices": [{"id": "o1", "weight": float("inf")}]}, 'the weight of office "o1" is not a number: Infinity'),
)


def read(lines: list[bytes]) -> list[dict[str, Any]]:
    return list(checked(lines, {"o1"}, {"organic"}))


def test_good_lines() -> None:
    """Equal times, negative times, empty lines and further names are all right."""
    events = [reveal(-5, 3), FIRST, call(0, 3, None), call(0, 1) | {"more": [1]}]
    assert read([b"\n", *as_lines(events), b"  \n"]) == events


@pytest.mark.parametrize(("line", "sentence"), WRONG_LINES)
def test_a_wrong_line(line: bytes | dict[str, Any], sentence: str) -> None:
    """It is the third one: an empty line counts as a line."""
    given = line if isinstance(line, bytes) else json.dumps(line).encode()
    with pytest.raises(WrongInput) as raised:
        read([*as_lines([FIRST]), b"\n", given])
    assert str(raised.value).startswith(f"line 3: {sentence}")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_lines_are_read_one_by_one() -> None:
    lines = iter(as_lines([FIRST, call(1, 1)]))
    events = checked(lines, {"o1"}, {"organic"})
    assert next(events) == FIRST
    assert len(list(lines)) == 1


def test_a_good_numbers_file() -> None:
    assert numbers_file(json.dumps(NUMBERS).encode()) == NUMBERS


@pytest.mark.parametrize(("wrong", "sentence"), WRONG_NUMBERS)
def test_a_wrong_numbers_file(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongInput) as raised:
        numbers_file(json.dumps(NUMBERS | wrong).encode())
    assert str(raised.value) == sentence
