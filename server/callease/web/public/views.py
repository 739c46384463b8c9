"""Visits and leases."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from callease.attribution.reveals import Revealed, RevealRequest
from callease.base.clock import rfc3339
from callease.base.errors import Unavailable
from callease.base.phones import display, with_extension
from callease.web import problems
from callease.web.metrics import REVEAL_SECONDS
from callease.web.public.requests import answer, body_of, counted_address, finish, page_view
from callease.web.public.reveals import reveal
from callease.web.public.schemas import LeaseEventSchema, LeaseSchema, VisitSchema
from callease.web.public.visits import begin_or_continue
from callease.web.services import services

_VISIT, _LEASE, _LEASE_EVENT = VisitSchema(), LeaseSchema(), LeaseEventSchema()

blueprint = Blueprint("public", __name__)
blueprint.after_request(finish)


@blueprint.post("/v1/visits")
def visits() -> Response:
    body = body_of(_VISIT)
    try:
        visit = begin_or_continue(services(), body["site"], page_view(body), request.headers.get("Origin"))
    except Unavailable as error:
        response = answer({"visit": None, "swaps": [], "widget": {}})
        response.headers["Callease-Reason"] = error.code
        return response
    return answer({"visit": visit, "swaps": [], "widget": {}})


@blueprint.post("/v1/leases")
@REVEAL_SECONDS.time()
def leases() -> Response:
    body = body_of(_LEASE)
    asked = RevealRequest(
        site_key=body["site"],
        listing=body["listing"],
        view=page_view(body),
        origin=request.headers.get("Origin"),
        counted=counted_address(),
        token=body["token"],
        solution=body["challenge"],
    )
    return _shown(reveal(services(), asked))


@blueprint.post("/v1/leases/<lease>/events")
def lease_events(lease: str) -> Response:
    body = body_of(_LEASE_EVENT)
    try:
        services().visits.take_lease_event(lease, body["type"])
    except Unavailable as error:
        return problems.of_error(error)
    return answer(None, 204)


def _shown(revealed: Revealed) -> Response:
    hours, code, challenge = revealed.hours, revealed.extension, revealed.challenge
    written = display(revealed.number, revealed.region) if revealed.number else None
    body: dict[str, Any] = {
        "lease": revealed.lease,
        "number": revealed.number,
        "display": with_extension(written, code, revealed.locale) if written and code else written,
        "kind": revealed.kind,
        "listing": revealed.listing,
        "expires_at": rfc3339(revealed.expires_at) if revealed.expires_at else None,
        "ttl": revealed.ttl,
    }
    if code:
        body["extension"] = code
    if challenge:
        body["challenge"] = challenge
    if hours:
        opens = hours["opens_at"]
        body["hours"] = {**hours, "opens_at": rfc3339(opens) if opens else None}
    response = answer(body)
    if revealed.reason:
        response.headers["Callease-Reason"] = revealed.reason
    return response
