"""Unit tests are pure: no database, no Redis, no network, no clock but the one that they are given."""

import pytest
from hypothesis import settings


def pytest_configure(config: pytest.Config) -> None:
    """No deadlines: the machine may be busy with other things."""
    examples = 100 if config.getoption("size") == "small" else 5_000
    settings.register_profile("callease", deadline=None, max_examples=examples)
    settings.load_profile("callease")
