"""The resources as clients write and read them: one shape for both."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from callease.delivery.endpoints import ALL_EVENTS, EVENT_TYPES
from callease.tenancy.roles import Role
from callease.web.api.fields import (
    Destination,
    Domain,
    Hours,
    Moment,
    Money,
    Network,
    Phone,
    SpeltPhone,
    known_region,
    known_timezone,
    reference,
    shown_once,
)

_NAME = validate.Length(1, 200)
_LEASE_SECONDS = 1_800


class Resource(Schema):
    class Meta:
        unknown = RAISE

    id = fields.String(dump_only=True)


class SiteSchema(Resource):
    name = fields.String(required=True, validate=_NAME)
    domains = fields.List(Domain(), load_default=list, validate=validate.Length(0, 200))
    region = fields.String(load_default="KZ", validate=known_region)
    timezone = fields.String(load_default="Asia/Almaty", validate=known_timezone)
    locale = fields.String(load_default="ru", validate=validate.Regexp(r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z"))
    excluded_ips = fields.List(Network(), load_default=list, validate=validate.Length(0, 1_000))
    mode = fields.String(load_default="live", validate=validate.OneOf(["live", "measure"]))
    objective = fields.String(load_default="both", validate=validate.OneOf(["source", "session", "both"]))
    consent_required = fields.Boolean(load_default=False)
    require_token = fields.Boolean(load_default=False)
    lease_seconds = fields.Integer(load_default=_LEASE_SECONDS, strict=True, validate=validate.Range(60, 86_400))
    key = fields.String(dump_only=True)
    token_key = shown_once()
    created_at = Moment(dump_only=True)


class AdvertiserSchema(Resource):
    name = fields.String(required=True, validate=_NAME)
    external_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 100))
    plan = fields.String(load_default="cpl", validate=validate.OneOf(["free", "cpl", "cpt"]))
    created_at = Moment(dump_only=True)


class DestinationSchema(Schema):
    class Meta:
        unknown = RAISE

    to = Destination(required=True)
    timeout = fields.Integer(load_default=25, strict=True, validate=validate.Range(5, 600))


class OfficeSchema(Resource):
    advertiser = reference("advertiser_id", load_default=None, allow_none=True)
    name = fields.String(required=True, validate=_NAME)
    destinations = fields.List(fields.Nested(DestinationSchema), load_default=list, validate=validate.Length(0, 10))
    hours = Hours(load_default=None, allow_none=True)
    timezone = fields.String(load_default=None, allow_none=True, validate=known_timezone)
    overflow_office = reference("overflow_office_id", load_default=None, allow_none=True)
    created_at = Moment(dump_only=True)


class ListingSchema(Resource):
    site = reference("site_id", required=True)
    advertiser = reference("advertiser_id", required=True)
    office = reference("office_id", load_default=None, allow_none=True)
    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    title = fields.String(required=True, validate=validate.Length(1, 1_000))
    url = fields.Url(
        load_default=None,
        allow_none=True,
        schemes={"http", "https"},
        require_tld=False,
        validate=validate.Length(0, 4_096),
    )
    phone = SpeltPhone(load_default=None, allow_none=True)
    complex = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 200))
    price = Money(load_default=None, allow_none=True)
    status = fields.String(load_default="active", validate=validate.OneOf(["active", "paused", "closed"]))
    created_at = Moment(dump_only=True)
    updated_at = Moment(dump_only=True)


_OWNER = "needed, but of a number with the role `extension`: without one that is the portal's call centre's"


class NumberSchema(Resource):
    e164 = Phone(required=True)
    office = reference("office_id", load_default=None, metadata={"description": _OWNER})
    source_class = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"\A[a-z0-9_]{1,40}\Z"))
    role = fields.String(load_default="lease", validate=validate.OneOf(["lease", "static", "extension"]))
    telephony_account = reference("telephony_account_id", load_default=None, allow_none=True)
    monthly_cost = Money(load_default=None, allow_none=True)
    state = fields.String(dump_only=True)
    owner_since = Moment(dump_only=True)
    next_office = reference("next_office_id", dump_only=True, allow_none=True)
    next_source_class = fields.String(dump_only=True, allow_none=True)
    quarantine_until = Moment(dump_only=True, allow_none=True)

    @validates_schema
    def _owned(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Only a number with codes has an owner of its own accord: the portal's call centre."""
        if "office_id" in data and data["office_id"] is None and data.get("role") != "extension":
            raise ValidationError("Missing data for required field.", "office")


class TelephonyAccountSchema(Resource):
    provider = fields.String(required=True, validate=_NAME)
    name = fields.String(required=True, validate=_NAME)
    credentials = fields.Dict(keys=fields.String(), values=fields.String(), load_only=True, load_default=dict)
    events_url = fields.String(dump_only=True)
    route_url = fields.String(dump_only=True)
    secret = shown_once()
    token = shown_once()
    created_at = Moment(dump_only=True)


class TokenSchema(Resource):
    name = fields.String(required=True, validate=_NAME)
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in Role]))
    advertiser = reference("advertiser_id", load_default=None, allow_none=True)
    token = shown_once()
    created_at = Moment(dump_only=True)


class UserSchema(Resource):
    email = fields.Email(required=True, validate=validate.Length(3, 254))
    name = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 200))
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in Role]))
    advertiser = reference("advertiser_id", load_default=None, allow_none=True)
    password = fields.String(load_only=True, validate=validate.Length(8, 200))
    created_at = Moment(dump_only=True)


class WebhookEndpointSchema(Resource):
    url = fields.Url(required=True, schemes={"http", "https"}, require_tld=False, validate=validate.Length(1, 2_000))
    events = fields.List(
        fields.String(validate=validate.OneOf([*EVENT_TYPES, ALL_EVENTS])),
        load_default=lambda: [ALL_EVENTS],
        validate=validate.Length(1, 50),
    )
    advertiser = reference("advertiser_id", load_default=None, allow_none=True)
    enabled = fields.Boolean()
    secret = shown_once()
    off_reason = fields.String(dump_only=True, allow_none=True)
    failing_since = Moment(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)


class ContactSchema(Resource):
    phone = fields.String(dump_only=True)
    name = fields.String(allow_none=True, validate=validate.Length(0, 200))
    advertiser = reference("advertiser_id", dump_only=True)
    created_at = Moment(dump_only=True)


class AttemptSchema(Schema):
    at = Moment()
    milliseconds = fields.Integer()
    status = fields.Integer(allow_none=True)
    problem = fields.String(allow_none=True)
    reply = fields.String(allow_none=True)


class DeliverySchema(Resource):
    endpoint = fields.String(attribute="endpoint_id")
    event = fields.String(attribute="event_id")
    type = fields.String()
    state = fields.String()
    attempts = fields.Integer()
    reason = fields.String(allow_none=True)
    due_at = Moment()
    created_at = Moment()
    settled_at = Moment(allow_none=True)


class ImportReportSchema(Resource):
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    closed = fields.Integer()
    errors = fields.List(fields.Dict())
