"""What the script sends, contract section 3."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, pre_load, validate

_ADDRESS_AT_MOST = 4_096


def _text(length: int = 200) -> fields.String:
    return fields.String(load_default=None, allow_none=True, validate=validate.Length(0, length))


class _Lenient(Schema):
    """A page may send more than we know: newer scripts speak to older servers."""

    class Meta:
        unknown = EXCLUDE


class PageSchema(_Lenient):
    url = _text(_ADDRESS_AT_MOST)
    title = _text(1_000)
    referrer = _text(_ADDRESS_AT_MOST)

    @pre_load
    def _cut(self, data: Any, **kwargs: Any) -> Any:
        """A page's own address may be longer than anybody needs: it is cut, not refused."""
        if not isinstance(data, dict):
            return data
        limits = {"url": _ADDRESS_AT_MOST, "referrer": _ADDRESS_AT_MOST, "title": 1_000}
        return {k: v[: limits[k]] if isinstance(v, str) and k in limits else v for k, v in data.items()}


class SourceSchema(_Lenient):
    source = _text()
    medium = _text()
    campaign = _text(500)
    term = _text(500)
    content = _text(500)
    class_ = fields.String(
        data_key="class",
        attribute="class",
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"\A[a-z0-9_]{1,40}\Z"),
    )


class _FromPage(_Lenient):
    site = fields.String(required=True, validate=validate.Length(1, 40))
    visitor = _text(100)
    session = _text(100)
    page = fields.Nested(PageSchema, load_default=dict, allow_none=True)
    source = fields.Nested(SourceSchema, load_default=None, allow_none=True)
    clients = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 20)),
        values=fields.String(allow_none=True, validate=validate.Length(0, 500)),
        load_default=dict,
        allow_none=True,
        validate=validate.Length(0, 20),
    )


class VisitSchema(_FromPage):
    pass


class LeaseSchema(_FromPage):
    listing = fields.String(required=True, validate=validate.Length(1, 200))
    token = _text(200)
    challenge = _text(2_000)


class LeaseEventSchema(_Lenient):
    type = fields.String(required=True, validate=validate.OneOf(["dial", "copy", "qr", "heartbeat"]))
