"""A page's request, read and answered: JSON in either content type, CORS for the site's own pages."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from flask import Response, request
from marshmallow import Schema, ValidationError

from callease.attribution.devices import device_of
from callease.attribution.visits import PageView
from callease.base.errors import InvalidRequest
from callease.base.json_input import read_json

_BODY_AT_MOST = 65_536
_PREFLIGHT_SECONDS = "86400"


def body_of(schema: Schema) -> dict[str, Any]:
    """The JSON body, whether it came as application/json or as text/plain. Raises InvalidRequest."""
    raw = request.get_data(cache=False) if (request.content_length or 0) <= _BODY_AT_MOST else b""
    try:
        parsed = read_json(raw)
    except ValueError:
        raise InvalidRequest({"body": ["is not JSON"]}) from None
    try:
        loaded: dict[str, Any] = schema.load(parsed)
    except ValidationError as error:
        raise InvalidRequest(error.normalized_messages()) from None
    return loaded


def page_view(body: dict[str, Any]) -> PageView:
    """`site_id` and `domains` are filled in when the site is known."""
    page = body["page"] or {}
    clients = {name: value for name, value in (body["clients"] or {}).items() if value}
    return PageView(
        site_id="",
        domains=[],
        visitor=body["visitor"] or None,
        session=body["session"] or None,
        url=page.get("url"),
        title=page.get("title"),
        referrer=page.get("referrer"),
        stated=body["source"],
        clients=clients,
        device=device_of(request.headers.get("User-Agent", "")),
        address=request.remote_addr,
    )


def counted_address() -> str | None:
    """The visitor's address for abuse limits, shortened to its network for IPv6.

    None for private ones: they are a proxy that CALLEASE_TRUSTED_PROXIES does not name, and stand for everybody.
    """
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return None
    if not address.is_global:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def answer(body: dict[str, Any] | None, status: int = 200) -> Response:
    if body is None:
        return Response(status=status)
    return Response(json.dumps(body, ensure_ascii=False), status, content_type="application/json")


def finish(response: Response) -> Response:
    """`Cache-Control` where a view set none, and the origin of the page: a refused one cannot read its refusal."""
    response.headers.setdefault("Cache-Control", "no-store")
    origin = request.headers.get("Origin")
    if "Access-Control-Allow-Origin" not in response.headers:
        response.headers["Vary"] = "Origin"
        if origin and origin != "null" and response.status_code != 403:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Callease-Reason, Retry-After"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    return response
