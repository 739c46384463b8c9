"""Which addresses a site leaves out."""

import pytest

from callease.catalog.addresses import is_excluded

EXCLUDED = ["203.0.113.7", "198.51.100.0/24", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    "address", ["203.0.113.7", "198.51.100.255", "::ffff:198.51.100.1", "2001:db8:1:2::3", "2001:DB8:1::"]
)
def test_left_out(address: str) -> None:
    assert is_excluded(address, EXCLUDED)


@pytest.mark.parametrize("address", ["203.0.113.8", "198.51.101.0", "2001:db8:2::1", "unix", "", None])
def test_counted(address: str | None) -> None:
    assert not is_excluded(address, EXCLUDED)


def test_nobody_is_left_out_by_default() -> None:
    assert not is_excluded("203.0.113.7", [])
