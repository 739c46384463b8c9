"""A sizing's life, and what may keep it from a result. Pure logic."""

from __future__ import annotations

from enum import StrEnum


class SizingState(StrEnum):
    """One that waits may be under way; what is done or failed stays so."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class SizingProblem(StrEnum):
    """`only_codes`: nobody got a number without a code. `failed`: the process that worked it out has died."""

    NOTHING_COUNTED = "nothing_counted"
    ONLY_CODES = "only_codes"
    NOBODY_CALLS = "nobody_calls"
    FAILED = "failed"
