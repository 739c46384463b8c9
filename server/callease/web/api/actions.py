"""What is done to a lead or a delivery beyond changing fields."""

from __future__ import annotations

from flask import Response, jsonify
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import select

from callease.delivery.models import Delivery, DeliveryAttempt
from callease.delivery.relay import replay
from callease.leads import leads
from callease.leads.models import Lead
from callease.leads.states import ACTIONS
from callease.tenancy.roles import READ
from callease.web.api.access import principal
from callease.web.api.idempotency import Answer, once
from callease.web.api.resource import REGISTRY, Asked, answers, described, find, require_write, shown
from callease.web.api.schemas import AttemptSchema, DeliverySchema
from callease.web.api.work_schemas import LeadSchema
from callease.web.services import services

_ATTEMPT = AttemptSchema()
_ATTEMPTS = {
    "type": "object",
    "required": ["data", "next_cursor"],
    "properties": {"data": {"type": "array", "items": _ATTEMPT}, "next_cursor": {"type": "null"}},
}


def register(blueprint: Blueprint) -> None:
    blueprint.route("/leads/<id>/<any(" + ",".join(ACTIONS) + "):action>")(LeadAction)
    blueprint.route("/deliveries/<id>/replay")(DeliveryReplay)
    blueprint.route("/deliveries/<id>/attempts")(DeliveryAttempts)


class LeadAction(MethodView):
    @described(operationId="act-on-lead", responses=answers(LeadSchema(), "200"))
    def post(self, id: str, action: str) -> Response:
        """Claims, releases, closes or reopens a lead"""
        spec = REGISTRY["leads"]
        require_write(spec, id=id)
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())

            def once_only() -> Answer:
                lead: Lead = find(asked, spec, id)
                leads.act(session, asked.parts.clock, lead, action, asked.principal.id, asked.principal.id)
                return shown(asked, spec, [lead])[0], 200

            return jsonify(once(session, asked.parts, asked.principal, once_only)[0])


class DeliveryReplay(MethodView):
    @described(operationId="replay-delivery", responses=answers(DeliverySchema(), "200"))
    def post(self, id: str) -> Response:
        """Sends a delivery once more, with a fresh schedule"""
        spec = REGISTRY["deliveries"]
        require_write(spec, id=id)
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())

            def once_only() -> Answer:
                delivery: Delivery = find(asked, spec, id)
                replay(session, asked.parts.clock, delivery)
                return shown(asked, spec, [delivery])[0], 200

            return jsonify(once(session, asked.parts, asked.principal, once_only)[0])


class DeliveryAttempts(MethodView):
    @described(operationId="list-delivery-attempts", responses=answers(_ATTEMPTS, "200"))
    def get(self, id: str) -> Response:
        """What receivers answered, newest first"""
        principal().require(READ, "deliveries")
        with services().database.reading() as session:
            asked = Asked(session, services(), principal())
            find(asked, REGISTRY["deliveries"], id)
            rows = session.scalars(
                select(DeliveryAttempt)
                .where(DeliveryAttempt.delivery_id == id)
                .order_by(DeliveryAttempt.at.desc(), DeliveryAttempt.id.desc())
            ).all()
            return jsonify(data=_ATTEMPT.dump(rows, many=True), next_cursor=None)
