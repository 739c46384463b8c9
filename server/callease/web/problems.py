"""Errors on the wire: RFC 9457 problem documents. The one table that turns an error into HTTP."""

from __future__ import annotations

import json
from typing import Any, cast

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from callease.base.errors import (
    CalleaseError,
    Conflict,
    Forbidden,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    Unauthenticated,
    Unavailable,
)

_STATUS: dict[type[CalleaseError], int] = {
    InvalidRequest: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    LimitExceeded: 429,
    Unavailable: 503,
}
_TITLES = {
    "invalid_request": "The request is not of the right form",
    "unauthenticated": "A valid token is needed",
    "forbidden": "This role may not do that",
    "not_found": "There is no such thing, or not for you",
    "origin_not_allowed": "The page's domain is not one of the site's domains",
    "unknown_site": "No site has this key",
    "unknown_listing": "The site has no listing with this id",
    "unknown_advertiser": "There is no such advertiser, or not for you",
    "unknown_version": "No script of this version was released",
    "method_not_allowed": "This address does not take this method",
    "body_too_large": "The body is too large",
    "unknown_account": "There is no telephony account at this address",
    "unknown_number": "This number is not known to Callease",
    "unknown_call": "No call with this id has been heard of yet",
    "unknown_lease": "There is no such lease",
    "wrong_signature": "The signature does not match",
    "too_many_tries": "Too many tries to sign in",
    "too_many_reveals": "Too many numbers were asked for",
    "number_taken": "This number is known already",
    "number_was_shown": "A retired number that has been shown to visitors keeps its office",
    "number_keeps_its_digits": "A number's digits cannot be changed",
    "external_id_taken": "The site has a listing with this external id already",
    "email_taken": "A user with this e-mail exists already",
    "lead_moved_on": "The lead's status does not allow this any more",
    "proposal_moved_on": "Somebody has decided about this proposal already",
    "proposal_outdated": "What this was proposed for has changed: look at the newest proposals",
    "endpoint_off": "The endpoint is switched off",
    "idempotency_key_reused": "This Idempotency-Key was used for another request",
    "changed_meanwhile": "Somebody else has made or changed the same thing at this moment: read it again",
    "office_keeps_its_advertiser": "An office cannot move to another advertiser",
    "redis": "Redis cannot be reached",
    "database": "The database cannot be reached",
    "snapshot": "The routing snapshot cannot be read",
    "http_error": "The request cannot be answered",
    "internal_error": "Something went wrong on our side",
}


def status_of(error: CalleaseError) -> int:
    return next(status for kind, status in _STATUS.items() if isinstance(error, kind))


def problem(status: int, code: str, **data: Any) -> Response:
    """`data` beside the standard members: field errors as `fields`, a number to show as `fallback`."""
    body = {"type": "about:blank", "title": _TITLES.get(code, code), "status": status, "code": code, **data}
    response = Response(json.dumps(body, ensure_ascii=False), status, content_type="application/problem+json")
    if "retry_after" in data:
        response.headers["Retry-After"] = str(data["retry_after"])
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers["Cache-Control"] = "no-store"
    return response


def of_error(error: CalleaseError) -> Response:
    return problem(status_of(error), error.code, **error.data)


def register(app: Flask) -> None:
    app.register_error_handler(CalleaseError, of_error)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        if error.response is not None:
            return cast(Response, error.response)
        status = error.code or 500
        codes = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
        response = problem(status, codes.get(status, "http_error"), detail=error.description)
        for name, value in error.get_headers():
            if name in ("Allow", "Location"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.error("%s %s failed", request.method, request.url_rule or "unknown", exc_info=error)
        return problem(500, "internal_error")
