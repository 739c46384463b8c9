"""X-Twilio-Signature, as twilio.com/docs/usage/security describes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

_DEFAULT_PORTS = {"https": "443", "http": "80"}


def signature(auth_token: str, url: str, form: Mapping[str, Sequence[str]]) -> str:
    """Base64 HMAC-SHA1 over the URL and each parameter's name and distinct values, both sorted."""
    text = url + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def is_signed(auth_token: str, given: str, url: str, body: bytes, is_form: bool) -> bool:
    """Whether `given` signs the request, with or without the port in its URL.

    A body that is no form is signed through its SHA-256 in the query parameter `bodySHA256`.
    """
    form: dict[str, list[str]] = {}
    if is_form:
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    elif body:
        stated = parse_qs(url.partition("?")[2]).get("bodySHA256", [""])[0]
        if not hmac.compare_digest(stated.encode(), hashlib.sha256(body).hexdigest().encode()):
            return False
    expected = (signature(auth_token, candidate, form) for candidate in _with_and_without_port(url))
    return any(hmac.compare_digest(one.encode(), given.encode()) for one in expected)


def _with_and_without_port(url: str) -> tuple[str, str]:
    """The rest of the URL is kept to the letter: it is signed as Twilio wrote it."""
    scheme, _, rest = url.partition("://")
    netloc = re.split(r"[/?#]", rest, maxsplit=1)[0]
    tail = rest[len(netloc) :]
    host = re.sub(r":\d*\Z", "", netloc)
    port = netloc[len(host) + 1 :] or _DEFAULT_PORTS.get(scheme, "443")
    return f"{scheme}://{host}{tail}", f"{scheme}://{host}:{port}{tail}"
