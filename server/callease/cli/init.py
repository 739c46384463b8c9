"""`callease init`: the database, a portal owner and an API token."""

from __future__ import annotations

import json

from sqlalchemy import select

from callease.base.ids import secret_token
from callease.cli.parts import prepared
from callease.tenancy.accounts import create_token, create_user
from callease.tenancy.models import User
from callease.tenancy.roles import Role
from callease.web.services import Services


def run(email: str) -> int:
    """Prints `{"token", "owner": {...}}`; a second run makes a further token and leaves the rest as it is."""
    with prepared() as parts:
        print(json.dumps(initialise(parts, email), ensure_ascii=False))
    return 0


def initialise(parts: Services, email: str) -> dict[str, object]:
    """`password` is None unless the owner was made now: it is shown once."""
    with parts.database.transaction() as session:
        first_owner = select(User).where(User.role == Role.OWNER, User.retired_at.is_(None)).order_by(User.id).limit(1)
        owner = session.scalar(first_owner)
        password: str | None = None
        if owner is None:
            password = secret_token(12)
            fields = {"email": email, "name": "Owner", "role": Role.OWNER.value, "password": password}
            owner = create_user(session, parts.clock, fields)
        _, token = create_token(session, parts.clock, {"name": "callease init", "role": Role.OWNER.value})
        shown = {"id": owner.id, "email": owner.email, "name": owner.name, "role": owner.role}
    return {"token": token, "owner": shown, "password": password}
