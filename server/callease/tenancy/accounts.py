"""Users, passwords and API tokens: made, recognised, retired."""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.errors import Conflict, InvalidRequest
from callease.base.ids import new_id, secret_token
from callease.base.secrets import token_hash
from callease.tenancy.models import ApiToken, User
from callease.tenancy.roles import Role
from callease.tenancy.wall import Principal

_hasher = PasswordHasher()
# Verified when the e-mail is unknown, so that the time of the answer does not tell which e-mails exist.
_NOBODY = _hasher.hash(secret_token())


def create_user(session: Session, clock: Clock, fields: dict[str, Any]) -> User:
    """`fields`: email, role, name?, advertiser_id?, password?, locale?. Raises Conflict("email_taken")."""
    _check_role(fields["role"], fields.get("advertiser_id"))
    password = fields.pop("password", None)
    fields["email"] = fields["email"].strip().lower()
    if session.scalar(select(User.id).where(User.email == fields["email"])):
        raise Conflict("email_taken")
    user = User(id=new_id("usr"), created_at=clock.now(), **fields)
    user.password_hash = _hasher.hash(password) if password else None
    session.add(user)
    session.flush()
    return user


def update_user(session: Session, user: User, fields: dict[str, Any]) -> User:
    _check_role(fields.get("role", user.role), fields.get("advertiser_id", user.advertiser_id))
    if password := fields.pop("password", None):
        user.password_hash = _hasher.hash(password)
    if "email" in fields:
        fields["email"] = fields["email"].strip().lower()
        taken = select(User.id).where(User.email == fields["email"], User.id != user.id)
        if session.scalar(taken):
            raise Conflict("email_taken")
    for name, value in fields.items():
        setattr(user, name, value)
    session.flush()
    return user


def user_by_password(session: Session, email: str, password: str) -> User | None:
    user = session.scalar(select(User).where(User.email == email.strip().lower(), User.retired_at.is_(None)))
    try:
        _hasher.verify(user.password_hash if user and user.password_hash else _NOBODY, password)
    except VerificationError:
        return None
    return user


def create_token(session: Session, clock: Clock, fields: dict[str, Any]) -> tuple[ApiToken, str]:
    """The row and the token itself, which is shown once and kept only as a hash."""
    _check_role(fields["role"], fields.get("advertiser_id"))
    token = "clt_" + secret_token(24)
    row = ApiToken(id=new_id("tok"), token_hash=token_hash(token), created_at=clock.now(), **fields)
    session.add(row)
    session.flush()
    return row, token


def principal_by_token(session: Session, token: str) -> Principal | None:
    query = select(ApiToken).where(ApiToken.token_hash == token_hash(token), ApiToken.retired_at.is_(None))
    row = session.scalar(query)
    return Principal(row.id, Role(row.role), row.advertiser_id) if row else None


def principal_of_user(user: User) -> Principal:
    return Principal(user.id, Role(user.role), user.advertiser_id)


def retire(session: Session, clock: Clock, row: User | ApiToken) -> None:
    row.retired_at = clock.now()
    session.flush()


def _check_role(role: str, advertiser_id: str | None) -> None:
    """Only the advertiser's role is walled in, so an advertiser beside any other role would promise a wall."""
    if (role == Role.ADVERTISER) != (advertiser_id is not None):
        problem = "required for the role advertiser, and only for it"
        raise InvalidRequest({"advertiser": [problem]})
