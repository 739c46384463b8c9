"""Addresses that a site leaves out of its figures: its own offices, agencies, monitors. Pure logic."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_excluded(address: str | None, excluded: Iterable[str]) -> bool:
    """`excluded`: addresses and CIDR blocks; None, or what is no address, is nobody's."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # A server that listens on IPv6 sees IPv4 in its clothes.
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in _network(each) for each in excluded)


@lru_cache(maxsize=4_096)
def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)
