"""Opaque identifiers: a prefix that names the kind, then time and randomness.

The time part makes ids of one kind sort by age, so that an index stays compact and a cursor is an id; within one
process they sort by age even inside a millisecond. The random part makes them unguessable; addresses that are secrets
themselves use `secret_token`.
"""

from __future__ import annotations

import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_STEP_BITS = 60

_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """`lse_` + 10 characters of milliseconds + 16 of randomness."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(79)
    with _lock:
        # A further id of the same millisecond is a random step above the last one.
        _last = value = fresh if fresh >> 80 > _last >> 80 else _last + 1 + secrets.randbits(_STEP_BITS)
    digits = [_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def secret_token(length_bytes: int = 24) -> str:
    """URL-safe randomness without order or meaning."""
    return secrets.token_urlsafe(length_bytes)
