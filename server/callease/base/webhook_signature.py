"""Standard Webhooks 1.0.0 signatures, made and checked: HMAC-SHA256 over `id.timestamp.body`.

See the specification of Standard Webhooks, "Signature scheme". Several signatures, separated by spaces, may stand in
one header while a secret is being changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

_TOLERANCE_SECONDS = 300


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` + base64; `secret` is `whsec_` + base64. Raises ValueError for another secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secret: str, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    timestamp = int(now.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }


def verify(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether `given` (headers in lower case) signs `body`, within five minutes of `now`. Never raises."""
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    if abs(now.timestamp() - int(stamp)) > _TOLERANCE_SECONDS:
        return False
    try:
        expected = sign(secret, message_id, int(stamp), body).encode()
        signatures = given.get("webhook-signature", "").encode().split()
    except (binascii.Error, ValueError):
        return False
    return any(hmac.compare_digest(expected, signature) for signature in signatures)
