"""Secrets at rest: sealed where they must be read again, hashed where they need only be recognised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretBox:
    """Keys for four uses, all derived (HKDF-SHA256) from the installation's secret key."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret_key, b"callease sealed values")))
        self._caller_key = _derive(secret_key, b"callease caller memory")
        self.challenge_key = _derive(secret_key, b"callease challenges")
        self.session_key = _derive(secret_key, b"callease cabinet sessions")

    def seal(self, plain: str) -> str:
        return self._fernet.encrypt(plain.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises ValueError when the value was sealed under another secret key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("sealed under another CALLEASE_SECRET_KEY") from None

    def caller_hash(self, phone: str) -> str:
        """A keyed hash of an E.164 phone: caller memory outlives the phone without giving it away."""
        return hmac.new(self._caller_key, phone.encode(), hashlib.sha256).hexdigest()[:40]


def _derive(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())


def token_hash(token: str) -> str:
    """SHA-256 is enough: tokens are 192 random bits, there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_signing_secret() -> str:
    """A Standard Webhooks secret: `whsec_` + base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
