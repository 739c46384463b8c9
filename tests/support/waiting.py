"""Waiting for a condition: the only way in which a test may let time pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.02


def eventually(condition: Callable[[], T], seconds: float = 10.0, what: Callable[[], str] | str = "") -> T:
    """The first true value of `condition`; an AssertionError after `seconds`, with the last one and `what` in it."""
    ends = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > ends:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {seconds} s: {value!r}: {told or condition}")
        time.sleep(_POLL_SECONDS)
