"""Proof of work: a puzzle that costs a machine half a second for every further number. Pure logic.

A number n up to MAX is drawn; whoever finds n with SHA-256(salt + n) = challenge has worked for it. The form is that of
ALTCHA's first protocol, so that its scripts solve it too: JSON `{algorithm, challenge, salt, number, signature}` in
base64. The salt carries the time until which a solution counts, and ends in "&", so that none of its digits can be
taken for the number's; the signature binds the challenge to the site.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from callease.base.json_input import read_json

ALGORITHM = "SHA-256"
MAX = 50_000
_LASTS = timedelta(minutes=10)
_SALT = re.compile(r"[0-9a-f]{24}\?expires=([0-9]{1,12})&")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def make(key: bytes, site_id: str, now: datetime) -> dict[str, Any]:
    """As the page gets it."""
    salt = f"{secrets.token_hex(12)}?expires={int((now + _LASTS).timestamp())}&"
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
        read = read_json(base64.b64decode(solution or "", validate=True))
    except ValueError:
        return None
    if not isinstance(read, dict):
        return None
    salt, number = read.get("salt"), read.get("number")
    challenge, signature = _digest(read.get("challenge")), _digest(read.get("signature"))
    parts = _SALT.fullmatch(salt) if isinstance(salt, str) else None
    if not parts or not isinstance(number, int) or not 0 <= number <= MAX:
        return None
    if challenge is None or signature is None or not hmac.compare_digest(signature, _sign(key, site_id, challenge)):
        return None
    if now.timestamp() > int(parts[1]) or _hash(parts[0], number) != challenge:
        return None
    return challenge[:32]


def solve(puzzle: dict[str, Any]) -> str:
    """What the page does, for programs that want a number and may have one."""
    salt, challenge = puzzle["salt"], puzzle["challenge"]
    number = next(n for n in range(puzzle["maxnumber"] + 1) if _hash(salt, n) == challenge)
    found = {**puzzle, "number": number}
    del found["maxnumber"]
    return base64.b64encode(json.dumps(found).encode()).decode()


def _digest(value: Any) -> str | None:
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else None


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _sign(key: bytes, site_id: str, challenge: str) -> str:
    return hmac.new(key, f"{site_id}\n{challenge}".encode(), hashlib.sha256).hexdigest()
