"""Leads and calls as clients read them: the `data` of events, contract section 6."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from callease.leads.states import LeadStatus
from callease.web.api.fields import Moment
from callease.web.api.schemas import Resource


def _read() -> fields.String:
    return fields.String(dump_only=True, allow_none=True)


def _count() -> fields.Integer:
    return fields.Integer(dump_only=True, allow_none=True)


class LeadListingSchema(Schema):
    """`id` is the portal's own."""

    id = fields.String(dump_only=True)
    title = _read()
    url = _read()
    complex = _read()


class LeadContactSchema(Schema):
    phone = _read()
    name = _read()
    first_time = fields.Boolean(dump_only=True)


class CallFactsSchema(Schema):
    id = fields.String(dump_only=True)
    tracking_number = fields.String(dump_only=True)
    started_at = Moment(dump_only=True)
    answered_at = Moment(dump_only=True, allow_none=True)
    ended_at = Moment(dump_only=True, allow_none=True)
    wait = _count()
    talk = _count()
    disposition = _read()
    recording_url = _read()
    destination = _read()


class ConfidenceSchema(Schema):
    office = fields.Float(dump_only=True)
    source = fields.Float(dump_only=True)
    session = fields.Float(dump_only=True)


class CandidateSchema(Schema):
    lease = fields.String(dump_only=True)
    listing = _read()
    p = fields.Float(dump_only=True)
    source_class = fields.String(dump_only=True)
    age_seconds = fields.Integer(dump_only=True)


class AttributionSchema(Schema):
    lease = _read()
    method = fields.String(dump_only=True)
    confidence = fields.Nested(ConfidenceSchema, dump_only=True)
    candidates = fields.List(fields.Nested(CandidateSchema), dump_only=True)
    source_class = _read()
    source = _read()
    medium = _read()
    campaign = _read()
    term = _read()
    content = _read()
    landing = _read()
    page = _read()
    referrer = _read()
    clients = fields.Dict(dump_only=True)


class LeadSchema(Resource):
    """Only `status` and `tags` may be written."""

    class Meta:
        unknown = RAISE

    lead = fields.String(dump_only=True)
    kind = fields.String(dump_only=True)
    status = fields.Enum(LeadStatus, by_value=True)
    advertiser = _read()
    office = fields.String(dump_only=True)
    created_at = Moment(dump_only=True)
    listing = fields.Nested(LeadListingSchema, dump_only=True, allow_none=True)
    contact = fields.Nested(LeadContactSchema, dump_only=True)
    call = fields.Nested(CallFactsSchema, dump_only=True, allow_none=True)
    attribution = fields.Nested(AttributionSchema, dump_only=True, allow_none=True)
    tags = fields.List(fields.String(validate=validate.Length(1, 60)), validate=validate.Length(0, 50))
    target = fields.Boolean(dump_only=True, allow_none=True)


class CallSchema(CallFactsSchema):
    provider_call_id = fields.String(dump_only=True)
    telephony_account = fields.String(dump_only=True)
    advertiser = _read()
    office = fields.String(dump_only=True)
    caller = _read()
    duration = _count()
    listing = fields.Nested(LeadListingSchema, dump_only=True, allow_none=True)
    attribution = fields.Nested(AttributionSchema, dump_only=True)
    evidence = fields.List(fields.Dict(), dump_only=True)
