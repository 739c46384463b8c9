"""Proposals and the planner's runs as clients read them."""

from __future__ import annotations

from marshmallow import Schema, fields

from callease.web.api.fields import Moment, Money, reference
from callease.web.api.schemas import Resource


def _figure() -> fields.Float:
    return fields.Float(dump_only=True)


class GainSchema(Schema):
    """A month, as `planning.proposals.Gain`; `*_points` are percentage points of `calls`."""

    answers = _figure()
    answers_low = _figure()
    answers_high = _figure()
    source_calls = _figure()
    session_calls = _figure()
    source_points = _figure()
    session_points = _figure()
    calls = _figure()


class ProposalSchema(Resource):
    kind = fields.String(dump_only=True)
    state = fields.String(dump_only=True)
    office = reference("office_id", dump_only=True)
    from_office = reference("from_office_id", dump_only=True, allow_none=True)
    numbers = fields.List(fields.String(), attribute="number_ids", dump_only=True)
    count = fields.Integer(dump_only=True)
    source_class = fields.String(dump_only=True, allow_none=True)
    at_once = fields.Boolean(dump_only=True)
    quarantine_until = Moment(dump_only=True, allow_none=True)
    gain = fields.Nested(GainSchema, dump_only=True)
    loses_meanwhile = fields.Nested(GainSchema, dump_only=True, allow_none=True)
    monthly_cost = Money(dump_only=True, allow_none=True)
    run = reference("run_id", dump_only=True)
    decided_by = fields.String(dump_only=True, allow_none=True)
    decided_at = Moment(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)


class ProposalRunSchema(Resource):
    """`days` and `reveals`: what there was to look at; `short`: less than four weeks, so habits may be missing."""

    due_at = Moment(dump_only=True)
    done_at = Moment(dump_only=True, allow_none=True)
    days = fields.Float(dump_only=True, allow_none=True)
    reveals = fields.Integer(dump_only=True, allow_none=True)
    short = fields.Boolean(dump_only=True, allow_none=True)
    created_at = Moment(dump_only=True)
