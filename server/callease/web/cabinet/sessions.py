"""Who is signed in: Flask-Login, a throttle on guessing, and no requests from other sites."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Flask, abort, request
from flask_login import LoginManager, UserMixin, current_user
from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from callease.attribution.sources import urlsplit_or_empty
from callease.base.errors import LimitExceeded, Unavailable
from callease.catalog.models import Advertiser
from callease.tenancy.accounts import principal_of_user, user_by_password
from callease.tenancy.models import User
from callease.tenancy.wall import Principal
from callease.web.services import services

_WRONG_PASSWORDS = RateLimitItemPerMinute(10, 5, namespace="callease-login")


class SignedIn(UserMixin):  # type: ignore[misc]
    """A user for the length of one request."""

    def __init__(self, user: User, advertiser_name: str | None) -> None:
        self.id = user.id
        self._password_mark = password_mark(user)
        self.email = user.email
        self.name = user.name
        self.role = user.role
        self.locale = user.locale
        self.advertiser_name = advertiser_name
        self.principal = principal_of_user(user)

    def get_id(self) -> str:
        """What the cookie says: a changed password ends every session that began before it."""
        return f"{self.id}|{self._password_mark}"


def password_mark(user: User) -> str:
    return hashlib.sha256((user.password_hash or "").encode()).hexdigest()[:16]


def register(app: Flask) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="callease",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/cabinet",
        SESSION_COOKIE_SECURE=(services_public_url(app) or "").startswith("https:"),
    )
    manager = LoginManager(app)
    manager.session_protection = "basic"
    manager.login_view = "cabinet.login"
    manager.login_message = None

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(cookie: str) -> SignedIn | None:
        user_id, _, mark = cookie.partition("|")
        with services().database.reading() as session:
            user = session.get(User, user_id)
            if user is None or user.retired_at or mark != password_mark(user):
                return None
            advertiser = session.get(Advertiser, user.advertiser_id) if user.advertiser_id else None
            return SignedIn(user, advertiser.name if advertiser else None)


def services_public_url(app: Flask) -> str | None:
    url: str | None = app.extensions["callease"].settings.public_url
    return url


def sign_in(email: str, password: str) -> SignedIn | None:
    """The user with this password. Raises LimitExceeded("too_many_tries") after ten wrong ones in five minutes."""
    who = hashlib.sha256(f"{email.strip().lower()}\n{request.remote_addr}".encode()).hexdigest()[:24]
    if not _counted(who, lambda limiter: limiter.test(_WRONG_PASSWORDS, who)):
        raise LimitExceeded("too_many_tries", retry_after=300)
    with services().database.reading() as session:
        user = user_by_password(session, email, password)
        if user is None:
            _counted(who, lambda limiter: limiter.hit(_WRONG_PASSWORDS, who))
            return None
        advertiser = session.get(Advertiser, user.advertiser_id) if user.advertiser_id else None
        return SignedIn(user, advertiser.name if advertiser else None)


def principal() -> Principal:
    found: Principal = current_user.principal
    return found


def refuse_other_sites() -> None:
    """A form of another site must not act for somebody who is signed in here.

    Browsers say where a request comes from (Sec-Fetch-Site, Origin); programs that say nothing carry no cookie of a
    person. The cookie is SameSite=Lax beside that.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403)
    origin = request.headers.get("Origin")
    if origin and origin != "null" and urlsplit_or_empty(origin).netloc not in _own_hosts():
        abort(403)


def _own_hosts() -> set[str]:
    """As the request was addressed, and as the operator says: a proxy may rewrite the first."""
    return {request.host, urlsplit_or_empty(services().settings.public_url).netloc} - {""}


def _counted(who: str, operation: Callable[[FixedWindowRateLimiter], bool]) -> bool:
    """Without Redis nobody is counted, and people can still do their work."""
    store = services().redis

    def ask(client: Any) -> bool:
        storage = RedisStorage("redis://localhost", connection_pool=client.connection_pool, wrap_exceptions=False)
        return operation(FixedWindowRateLimiter(storage))

    try:
        return bool(store.call(ask, f"{RedisStorage.PREFIX}:{_WRONG_PASSWORDS.key_for(who)}"))
    except Unavailable:
        return True
