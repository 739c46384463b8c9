"""The two files of a replay, which somebody else made: read strictly, and refused with what is wrong. Pure logic."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from callease.base.json_input import read_json

Event = dict[str, Any]
# A virtual clock holds so many seconds on both sides of its beginning: thirty years back, three thousand ahead.
_EARLIEST, _LATEST = -1e9, 1e11
_NUMBER, _TEXT_OR_NULL = (int, float), (str, type(None))
_OF_KIND: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "reveal": {"id": int, "visitor": str, "office": str, "listing": str, "class": str},
    "call": {"of": int, "caller": _TEXT_OR_NULL},
}
_NAMES: Mapping[Any, str] = {int: "an integer", str: "a text", _TEXT_OR_NULL: "a text or null", _NUMBER: "a number"}
_SHOWN_AT_MOST = 60


class WrongInput(ValueError):
    """One sentence that says what is wrong, and in which line where it is one of many."""


def numbers_file(raw: bytes) -> Any:
    """NUMBERS.json as far as `Setup.read` does not look itself. Raises WrongInput."""
    parsed = _json(raw)
    offices = parsed.get("offices") if isinstance(parsed, dict) else None
    seen = set()
    for office in offices if isinstance(offices, list) else ():
        id_, weight = (office.get("id"), office.get("weight")) if isinstance(office, dict) else (None, None)
        if not isinstance(id_, str):
            continue
        if id_ in seen:
            raise WrongInput(f"office {_shown(id_)} is there twice")
        if weight is not None and not (_is(weight, _NUMBER) and math.isfinite(weight)):
            raise WrongInput(f"the weight of office {_shown(id_)} is not a number: {_shown(weight)}")
        seen.add(id_)
    return parsed


def checked(
    lines: Iterable[bytes], offices: Collection[str] | None, classes: Collection[str] | None
) -> Iterator[Event]:
    """The events of `lines`, one by one; empty lines are skipped. Raises WrongInput with the line's number.

    `offices` and `classes` None: any may come.
    """
    checker = _Checker(offices, classes)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = _json(line)
            checker.check(event)
        except WrongInput as error:
            raise WrongInput(f"line {number}: {error}") from None
        yield event


class _Checker:
    """Knows what came before: the time, and the reveals that calls may belong to."""

    def __init__(self, offices: Collection[str] | None, classes: Collection[str] | None) -> None:
        known = {"office": offices, "class": classes}
        self._known = {name: frozenset(each) for name, each in known.items() if each is not None}
        self._reveals: set[int] = set()
        self._at = -math.inf

    def check(self, event: Any) -> None:
        if not isinstance(event, dict):
            raise WrongInput("is not an object")
        kind = _field(event, "kind", str)
        if kind not in _OF_KIND:
            raise WrongInput(f"`kind` is neither reveal nor call: {_shown(kind)}")
        self._check_time(_field(event, "t", _NUMBER))
        for name, type_ in _OF_KIND[kind].items():
            _field(event, name, type_)
        if kind == "reveal":
            self._check_reveal(event)
        elif event["of"] not in self._reveals:
            raise WrongInput(f"`of` names no reveal before it: {_shown(event['of'])}")

    def _check_time(self, at: float) -> None:
        if not _EARLIEST <= at <= _LATEST:
            raise WrongInput(f"`t` is out of range: {_shown(at)}")
        if at < self._at:
            raise WrongInput(f"`t` goes backwards, from {_shown(self._at)} to {_shown(at)}")
        self._at = at

    def _check_reveal(self, event: Event) -> None:
        for name, known in self._known.items():
            if event[name] not in known:
                raise WrongInput(f"`{name}` is not in the numbers file: {_shown(event[name])}")
        if event["id"] in self._reveals:
            raise WrongInput(f"`id` was there before: {_shown(event['id'])}")
        self._reveals.add(event["id"])


def _json(raw: bytes) -> Any:
    try:
        return read_json(raw)
    except json.JSONDecodeError as error:
        raise WrongInput(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except UnicodeDecodeError:
        raise WrongInput("is not UTF-8") from None
    except ValueError as error:
        raise WrongInput(f"is not JSON: {error}") from None


def _field(event: Event, name: str, types: type | tuple[type, ...]) -> Any:
    if name not in event:
        raise WrongInput(f"has no `{name}`")
    if not _is(event[name], types):
        raise WrongInput(f"`{name}` is not {_NAMES[types]}: {_shown(event[name])}")
    return event[name]


def _is(value: Any, types: type | tuple[type, ...]) -> bool:
    """JSON's true and false are no numbers, whatever Python says."""
    return isinstance(value, types) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """Somebody's own data, and on one line: short."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_AT_MOST else f"{text[:_SHOWN_AT_MOST]}..."
