"""The generic provider: Standard Webhooks or a bearer token in, the contract's JSON out."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from marshmallow import Schema, ValidationError

from callease.base.errors import InvalidRequest
from callease.base.ids import secret_token
from callease.base.json_input import read_json
from callease.base.secrets import new_signing_secret
from callease.base.webhook_signature import verify
from callease.telephony.events import CallEvent
from callease.telephony.providers.generic.schema import EventSchema, RouteSchema
from callease.telephony.providers.protocol import Incoming, Reply, RouteAnswer, RouteQuestion

_EVENT, _ROUTE = EventSchema(), RouteSchema()


class GenericProvider:
    def credentials(self, given: Mapping[str, Any]) -> dict[str, str]:
        if given:
            raise InvalidRequest({"credentials": {name: ["generic takes no credentials"] for name in given}})
        return {"secret": new_signing_secret(), "token": secret_token(24)}

    def shown_once(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"secret": credentials["secret"], "token": credentials["token"]}

    def authentic(self, incoming: Incoming, credentials: Mapping[str, str], now: datetime) -> bool:
        scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(token.strip().encode(), credentials["token"].encode())
        return verify(credentials["secret"], incoming.headers, incoming.body, now)

    def translate(self, incoming: Incoming, now: datetime) -> list[CallEvent]:
        loaded = _load(_EVENT, _json_object(incoming))
        return [CallEvent(provider_call_id=loaded.pop("call_id"), **loaded)]

    def question(self, incoming: Incoming, now: datetime) -> RouteQuestion:
        given = dict(parse_qsl(urlsplit(incoming.url).query)) if incoming.method == "GET" else _json_object(incoming)
        loaded = _load(_ROUTE, given)
        collected = given.get("digits") is not None
        at = loaded.pop("at") or now
        return RouteQuestion(provider_call_id=loaded.pop("call_id"), at=at, collected=collected, **loaded)

    def events_reply(self, call: str | None) -> Reply:
        return Reply(200, "application/json", json.dumps({"call": call}))

    def route_reply(self, answer: RouteAnswer, events_url: str) -> Reply:
        content = asdict(answer)
        if answer.collect is None:
            del content["collect"]
        return Reply(200, "application/json", json.dumps(content, ensure_ascii=False))

    def unknown_number_reply(self) -> Reply:
        problem = {"type": "about:blank", "title": "Unknown number", "status": 404, "code": "unknown_number"}
        return Reply(404, "application/problem+json", json.dumps(problem))


def _json_object(incoming: Incoming) -> dict[str, Any]:
    try:
        parsed = read_json(incoming.body)
    except ValueError:
        raise InvalidRequest({"body": ["is not JSON"]}) from None
    if not isinstance(parsed, dict):
        raise InvalidRequest({"body": ["is not a JSON object"]})
    return parsed


def _load(schema: Schema, given: dict[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(given)
    except ValidationError as error:
        raise InvalidRequest(error.normalized_messages()) from None
    return loaded
