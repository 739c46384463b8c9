"""JSON from outside, read so that nothing behind the door has to be afraid of it."""

from __future__ import annotations

import json
import re
from typing import Any

# Escapes of what is no text: NUL, which PostgreSQL refuses, and halves of surrogate pairs, which have no UTF-8.
_SUSPECT = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def read_json(raw: bytes | str) -> Any:
    """What is no text becomes U+FFFD, as in browsers: a page that cut its title inside an emoji still gets its number.

    Raises ValueError for what is no JSON, no UTF-8, or nested too deeply.
    """
    text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
    try:
        parsed = json.loads(text)
        return _repaired(parsed) if _SUSPECT.search(text) else parsed
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_TEXT.sub("\ufffd", value)
    if isinstance(value, list):
        return [_repaired(each) for each in value]
    if isinstance(value, dict):
        return {_repaired(name): _repaired(each) for name, each in value.items()}
    return value
