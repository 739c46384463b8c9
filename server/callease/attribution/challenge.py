"""Proof of work: a puzzle that costs a machine half a second for every further number. Pure logic.

A number n up to MAX is drawn; whoever finds n with SHA-256(salt + n) = challenge has worked for it. The form is that of
ALTCHA's first protocol, so that its scripts solve it too: JSON `{algorithm, challenge, salt, number, signature}` in
base64. The salt carries the time until which a solution counts; the signature binds it to the site.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

ALGORITHM = "SHA-256"
MAX = 50_000
_LASTS = timedelta(minutes=10)


def make(key: bytes, site_id: str, now: datetime) -> dict[str, Any]:
    """As the page gets it."""
    salt = f"{secrets.token_hex(12)}?expires={int((now + _LASTS).timestamp())}"
    challenge = _hash(salt, secrets.randbelow(MAX + 1))
    return {
        "algorithm": ALGORITHM,
        "challenge": challenge,
        "salt": salt,
        "maxnumber": MAX,
        "signature": _sign(key, site_id, challenge),
    }


def solved(key: bytes, site_id: str, solution: str | None, now: datetime) -> str | None:
    """The id of the challenge that `solution` solves, None when it solves none: it is to be used once."""
    try:
        read = json.loads(base64.b64decode(solution or "", validate=True))
        challenge, salt, number, signature = (read[name] for name in ("challenge", "salt", "number", "signature"))
        expires = int(salt.rpartition("?expires=")[2])
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(number, int) or not isinstance(signature, str) or not isinstance(challenge, str):
        return None
    right = hmac.compare_digest(signature.encode(), _sign(key, site_id, challenge).encode())
    if not right or now.timestamp() > expires or _hash(salt, number) != challenge:
        return None
    return challenge[:32]


def solve(puzzle: dict[str, Any]) -> str:
    """What the page does, for programs that want a number and may have one."""
    salt, challenge = puzzle["salt"], puzzle["challenge"]
    number = next(n for n in range(puzzle["maxnumber"] + 1) if _hash(salt, n) == challenge)
    found = {**puzzle, "number": number}
    del found["maxnumber"]
    return base64.b64encode(json.dumps(found).encode()).decode()


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _sign(key: bytes, site_id: str, challenge: str) -> str:
    return hmac.new(key, f"{site_id}\n{challenge}".encode(), hashlib.sha256).hexdigest()
