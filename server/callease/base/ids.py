"""Opaque identifiers: a prefix that names the kind, then time and randomness.

The time part makes ids of one kind sort by age, so that an index stays compact and a cursor is an id. The random part
(80 bits) makes them unguessable; addresses that are secrets themselves use `secret_token`.
"""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case


def new_id(prefix: str) -> str:
    """`lse_` + 10 characters of milliseconds + 16 of randomness."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    digits = [_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def secret_token(length_bytes: int = 24) -> str:
    """URL-safe randomness without order or meaning."""
    return secrets.token_urlsafe(length_bytes)
