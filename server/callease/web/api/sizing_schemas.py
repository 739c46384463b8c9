"""A sizing as clients read it; shares are of all calls, from 0 to 1."""

from __future__ import annotations

from marshmallow import Schema, fields

from callease.web.api.fields import Moment, reference
from callease.web.api.schemas import Resource


class EstimateSchema(Schema):
    """What share of calls is answered rightly, and between what it is with 95 %."""

    right = fields.Float()
    low = fields.Float()
    high = fields.Float()


class PointSchema(Schema):
    numbers = fields.Integer()
    office = fields.Nested(EstimateSchema)
    source = fields.Nested(EstimateSchema)
    session = fields.Nested(EstimateSchema)


class PriceSchema(Schema):
    amount = fields.String()
    currency = fields.String(allow_none=True)


class PurchaseSchema(Schema):
    """Gains are null for a purchase without which an office would have no number."""

    more = fields.Integer()
    then = fields.Nested(PointSchema)
    source_gain = fields.Float(allow_none=True)
    session_gain = fields.Float(allow_none=True)
    price = fields.Nested(PriceSchema, allow_none=True)


class CountedSchema(Schema):
    days = fields.Float(allow_none=True)
    reveals = fields.Integer(allow_none=True)
    first_calls = fields.Integer()
    too_short = fields.Boolean()


class TargetSchema(Schema):
    """`numbers` null: more than were tried."""

    right = fields.Float()
    numbers = fields.Integer(allow_none=True)


class ResultSchema(Schema):
    reveals_a_day = fields.Float()
    offices = fields.Integer()
    classes = fields.Integer()
    objective = fields.String()
    counted = fields.Nested(CountedSchema)
    assumed = fields.List(fields.String())
    curve = fields.List(fields.Nested(PointSchema))
    for_source = fields.List(fields.Nested(TargetSchema))
    owned = fields.Integer(allow_none=True)
    numbers = fields.Integer(allow_none=True)
    now = fields.Nested(PointSchema, allow_none=True)
    next_best = fields.Nested(PurchaseSchema, allow_none=True)
    purchases = fields.List(fields.Nested(PurchaseSchema))
    price = fields.Nested(PriceSchema, allow_none=True)


class SizingSchema(Resource):
    site = reference("site_id", required=True)
    state = fields.String(dump_only=True, metadata={"description": "waiting, done or failed"})
    asked_at = Moment(dump_only=True)
    done_at = Moment(dump_only=True, allow_none=True)
    problem = fields.String(
        dump_only=True, allow_none=True, metadata={"description": "nothing_counted, only_codes, nobody_calls or failed"}
    )
    result = fields.Nested(ResultSchema, dump_only=True, allow_none=True)
