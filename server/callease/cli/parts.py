"""What every command sets up and takes down: settings, the embedded Redis, the schema."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import select

from callease.app import build_services
from callease.base.embedded_redis import EmbeddedRedis
from callease.base.errors import SettingError
from callease.catalog.models import Site
from callease.migrations.schema import upgrade
from callease.settings import Settings, load_settings
from callease.web.services import Services


@contextlib.contextmanager
def redis_of(settings: Settings) -> Iterator[None]:
    """The embedded Redis is there inside, unless the operator has one of their own."""
    if settings.redis_url:
        yield
        return
    embedded = EmbeddedRedis(settings.data_dir, settings.redis_socket)
    try:
        try:
            embedded.start()
        except RuntimeError as error:
            raise SettingError("CALLEASE_DATA_DIR", str(error)) from None
        yield
    finally:
        embedded.stop()


def _check_secret_key(parts: Services) -> None:
    """Under another key no telephony account can be recognised: that must be seen at the start, not by a caller."""
    with parts.database.reading() as session:
        sealed = session.scalar(select(Site.token_key_sealed).limit(1))
    try:
        if sealed:
            parts.box.open(sealed)
    except ValueError:
        raise SettingError(
            "CALLEASE_SECRET_KEY", "is not the key that this database's secrets were sealed with"
        ) from None


@contextlib.contextmanager
def prepared() -> Iterator[Services]:
    """Settings read, Redis there, the schema up to date. Raises SettingError, Unavailable."""
    settings = load_settings()
    with redis_of(settings):
        parts = build_services(settings)
        parts.database.create()
        parts.database.check()
        upgrade(parts.database)
        _check_secret_key(parts)
        try:
            yield parts
        finally:
            parts.close()
