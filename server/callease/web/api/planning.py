"""Proposals: listed, approved, dismissed, made anew."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask.views import MethodView
from flask_smorest import Blueprint

from callease.planning.decisions import refuse_outdated
from callease.planning.models import ProposalRun, StoredProposal
from callease.planning.planner import request_run
from callease.planning.proposal_states import ACTIONS
from callease.web.api import resource
from callease.web.api.access import principal
from callease.web.api.idempotency import Answer, once
from callease.web.api.planning_schemas import ProposalRunSchema, ProposalSchema
from callease.web.api.resource import (
    REGISTRY,
    Asked,
    Fields,
    ResourceSpec,
    answers,
    described,
    find,
    not_for_advertisers,
    require_write,
    shown,
)
from callease.web.services import services

_PROPOSALS = ResourceSpec(
    "proposals",
    StoredProposal,
    ProposalSchema(),
    not_for_advertisers,
    filters={"state": StoredProposal.state, "kind": StoredProposal.kind, "office": StoredProposal.office_id},
    order=(StoredProposal.listed_at, StoredProposal.id),
)


def _request_run(asked: Asked, _: Fields) -> tuple[ProposalRun, Fields]:
    return request_run(asked.session, asked.parts.database, asked.parts.clock), {}


_RUNS = ResourceSpec("proposal-runs", ProposalRun, ProposalRunSchema(), not_for_advertisers, create=_request_run)


def register(blueprint: Blueprint) -> None:
    for spec in (_PROPOSALS, _RUNS):
        resource.register(blueprint, spec)
    blueprint.route("/proposals/<id>/<any(" + ",".join(ACTIONS) + "):action>")(ProposalAction)


class ProposalAction(MethodView):
    @described(operationId="decide-proposal", responses=answers(ProposalSchema(), "200"))
    def post(self, id: str, action: str) -> Response:
        """Approves a proposal, which carries a move or a split out, or dismisses it"""
        spec = REGISTRY["proposals"]
        require_write(spec, id=id)
        with services().database.transaction() as session:
            asked = Asked(session, services(), principal())

            def once_only() -> Answer:
                proposal: Any = find(asked, spec, id)
                asked.parts.planner.decide(session, proposal, action, asked.principal.id)
                return shown(asked, spec, [proposal])[0], 200

            body = once(session, asked.parts, asked.principal, once_only)[0]
        refuse_outdated(body["state"])
        return jsonify(body)
