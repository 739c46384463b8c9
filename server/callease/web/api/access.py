"""Who asks: the bearer of an API token."""

from __future__ import annotations

from typing import cast

from flask import g, request

from callease.base.errors import Unauthenticated
from callease.tenancy.accounts import principal_by_token
from callease.tenancy.wall import Principal
from callease.web.services import services


def authenticate() -> None:
    """Before every view of the API. Raises Unauthenticated."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer" and token.strip():
        with services().database.reading() as session:
            found = principal_by_token(session, token.strip())
    if found is None:
        raise Unauthenticated()
    g.principal = found


def principal() -> Principal:
    return cast(Principal, g.principal)
