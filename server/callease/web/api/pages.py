"""Lists, a page at a time: newest first, from a cursor on."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import Session

from callease.base.clock import parse_rfc3339
from callease.base.errors import InvalidRequest
from callease.base.json_input import read_json


class PageSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(load_default=None)


def page(
    session: Session, query: Select[Any], columns: Sequence[Any], limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """The rows of one page and the cursor of the next; `columns` order the list, descending, and end with the id."""
    if cursor:
        query = query.where(tuple_(*columns) < tuple_(*_read_cursor(cursor, columns)))
    rows = list(session.scalars(query.order_by(*(column.desc() for column in columns)).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, _write_cursor(rows[-1], columns) if more else None


def _write_cursor(row: Any, columns: Sequence[Any]) -> str:
    values = [getattr(row, column.key) for column in columns]
    texts = [value if isinstance(value, str) else _exact(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")


def _exact(value: Any) -> str:
    text: str = value.isoformat()
    return text


def _read_cursor(cursor: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        texts = read_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not (isinstance(texts, list) and len(texts) == len(columns) and all(isinstance(t, str) for t in texts)):
            raise ValueError(cursor)
        dated = [parse_rfc3339(text) for text in texts[:-1]]
    except (ValueError, OverflowError):
        raise InvalidRequest({"cursor": ["is not a cursor of this list"]}) from None
    return [*dated, texts[-1]]


def listed(rows: Sequence[Mapping[str, Any]], next_cursor: str | None) -> dict[str, Any]:
    return {"data": rows, "next_cursor": next_cursor}
