"""The addresses of a telephony account. The account is found first, then the message is recognised, then read."""

from __future__ import annotations

import logging
from dataclasses import replace

from flask import Blueprint, Response, request

from callease.base.errors import CalleaseError, InvalidRequest, NotFound, Unavailable
from callease.telephony.answering import answer_from_snapshot, answer_question
from callease.telephony.directory import AccountFacts, find_account
from callease.telephony.providers import PROVIDERS
from callease.telephony.providers.protocol import Incoming, Reply, RouteAnswer, RouteQuestion
from callease.web.metrics import CALL_EVENTS, ROUTES
from callease.web.services import Services, services

_log = logging.getLogger(__name__)
_BODY_AT_MOST = 1_048_576
# The caller hears nothing until there is an answer, and providers hang up after two seconds or more.
_PATIENCE_SECONDS = 1.0

blueprint = Blueprint("telephony", __name__)


@blueprint.post("/v1/telephony/<address>/events")
@blueprint.post("/v1/telephony/<address>/events/<path:suffix>")
def events(address: str, suffix: str = "") -> Response:
    parts = services()
    account, incoming = _account(parts, address), _incoming(parts, suffix)
    parts.intake.authenticate(account, incoming)
    try:
        reply = parts.intake.receive(account, incoming)
    except CalleaseError as error:
        CALL_EVENTS.labels(error.code).inc()
        raise
    CALL_EVENTS.labels("taken").inc()
    return _response(reply)


@blueprint.route("/v1/telephony/<address>/route", methods=["GET", "POST"])
def route(address: str) -> Response:
    parts = services()
    account, incoming = _account(parts, address), _incoming(parts, "route")
    parts.intake.authenticate(account, incoming)
    provider = PROVIDERS[account.provider]
    question = provider.question(incoming, parts.clock.now())
    try:
        answer = _answer(parts, account, question)
    except NotFound:
        ROUTES.labels("unknown_number").inc()
        return _response(provider.unknown_number_reply())
    if question.ringing and answer.collect is None:
        _take_ringing(parts, account, incoming)
    return _response(provider.route_reply(answer, _events_url(parts, account)))


def _account(parts: Services, address: str) -> AccountFacts:
    try:
        with parts.database.reading() as session:
            account = find_account(session, address)
    except Unavailable:
        account = parts.snapshot.account(address)
    if account is None:
        raise NotFound("unknown_account")
    return account


def _incoming(parts: Services, suffix: str) -> Incoming:
    """The URL is the public one, as the provider wrote it, when the operator has said what that is."""
    if (request.content_length or 0) > _BODY_AT_MOST:
        raise InvalidRequest({"body": [f"is longer than {_BODY_AT_MOST} bytes"]})
    origin = parts.settings.public_url or request.host_url.rstrip("/")
    query = request.query_string.decode("latin-1")
    path = request.path + (f"?{query}" if query else "")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Incoming(request.method, origin + path, headers, request.get_data(cache=False), suffix)


def _answer(parts: Services, account: AccountFacts, question: RouteQuestion) -> RouteAnswer:
    try:
        with parts.database.transaction(_PATIENCE_SECONDS) as session:
            answer = answer_question(session, parts.clock, parts.box, account.id, question)
        ROUTES.labels("database").inc()
    except Unavailable:
        answer = answer_from_snapshot(parts.snapshot, account.id, question, parts.clock.now())
        ROUTES.labels("snapshot").inc()
    return answer


def _take_ringing(parts: Services, account: AccountFacts, incoming: Incoming) -> None:
    """The caller is waiting: whatever is wrong with the event, the answer to the question goes out.

    A question asked by GET is kept as the form that it would have been.
    """
    if incoming.method == "GET":
        form = {"content-type": "application/x-www-form-urlencoded"}
        incoming = replace(incoming, method="POST", headers=form, body=request.query_string)
    try:
        parts.intake.receive(account, incoming)
    except CalleaseError as error:
        _log.warning("a question of account %s was answered, and not taken as an event: %s", account.id, error.code)


def _events_url(parts: Services, account: AccountFacts) -> str:
    return f"{parts.settings.base_url(request.host_url)}/v1/telephony/{account.address}/events"


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, content_type=reply.content_type)
    response.headers["Cache-Control"] = "no-store"
    return response
