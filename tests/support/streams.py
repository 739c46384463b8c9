"""Streams made by hand."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def reveal(at: float, id_: int, visitor: str = "", office: str = "o1", **more: str) -> dict[str, Any]:
    """By default of a visitor of its own, for the office's one listing."""
    known = {"visitor": visitor or f"v{id_}", "office": office, "listing": f"{office}-l1", "class": "organic", **more}
    return {"t": at, "kind": "reveal", "id": id_, **known}


def call(at: float, of: int, caller: str | None = "c1") -> dict[str, Any]:
    return {"t": at, "kind": "call", "of": of, "caller": caller}


def as_lines(objects: Iterable[Mapping[str, Any]]) -> list[bytes]:
    return [json.dumps(each).encode() + b"\n" for each in objects]
