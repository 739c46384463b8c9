"""Identifiers: opaque, unguessable, in the order of their making."""

import re
import time

import pytest

from callease.base.ids import new_id, secret_token


def test_their_form() -> None:
    assert re.fullmatch(r"lse_[0-9a-hjkmnp-tv-z]{26}", new_id("lse"))


def test_they_do_not_repeat() -> None:
    assert len({new_id("lse") for _ in range(5_000)}) == 5_000


def test_they_sort_by_the_millisecond_of_their_making() -> None:
    made = []
    for _ in range(5):
        made.append(new_id("lse"))
        begun = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == begun:
            pass
    assert made == sorted(made)


def test_ids_of_one_millisecond_differ_in_their_random_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_763_719_200_000_000_000)
    first, second = new_id("lse"), new_id("lse")
    assert first[:14] == second[:14]
    assert first[14:] != second[14:]


def test_secret_tokens_go_into_addresses() -> None:
    tokens = {secret_token(24) for _ in range(200)}
    assert len(tokens) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", token) for token in tokens)
