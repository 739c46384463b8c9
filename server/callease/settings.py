"""Settings come from the environment; a wrong value stops the start with one line that names it."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from callease.base.errors import SettingError
from callease.base.redis_cluster import cluster_address
from callease.delivery.relay import RETRY_SECONDS

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DATABASES = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_SECRET_KEY_AT_LEAST = 16
_RETRIES_AT_MOST = 50
_QUARANTINE_DAYS, _QUARANTINE_DAYS_AT_MOST = 60, 3_650


@dataclass(frozen=True)
class Settings:
    """`redis_url` None: the embedded Redis. `public_url` None: as each request was addressed."""

    data_dir: Path
    database_url: str
    redis_url: str | None
    secret_key: str
    public_url: str | None
    public_prefix: str
    trusted_proxies: tuple[Network, ...]
    allow_private_urls: tuple[str, ...]
    retry_seconds: tuple[int, ...]
    quarantine_days: int

    @property
    def redis_socket(self) -> Path:
        return self.data_dir / "run" / "redis.sock"

    @property
    def snapshot_path(self) -> Path:
        return self.data_dir / "snapshot.sqlite"

    @property
    def spool_dir(self) -> Path:
        return self.data_dir / "spool"

    def base_url(self, address_of_request: str) -> str:
        """Where the public endpoints are: `address_of_request` (scheme and host) stands in for an unset public URL."""
        return (self.public_url or address_of_request.rstrip("/")) + self.public_prefix


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Raises SettingError; makes the data directory and, when there is none, the secret key."""
    env = os.environ if environment is None else environment
    data_dir = _data_dir(env.get("CALLEASE_DATA_DIR") or "instance")
    return Settings(
        data_dir=data_dir,
        database_url=_database_url(env.get("CALLEASE_DATABASE_URL"), data_dir),
        redis_url=_redis_url(env.get("CALLEASE_REDIS_URL")),
        secret_key=_secret_key(env, data_dir),
        public_url=_public_url(env.get("CALLEASE_PUBLIC_URL")),
        public_prefix=_public_prefix(env.get("CALLEASE_PUBLIC_PREFIX")),
        trusted_proxies=_networks("CALLEASE_TRUSTED_PROXIES", env.get("CALLEASE_TRUSTED_PROXIES")),
        allow_private_urls=_hosts("CALLEASE_ALLOW_PRIVATE_URLS", env.get("CALLEASE_ALLOW_PRIVATE_URLS")),
        retry_seconds=_retry_seconds(env.get("CALLEASE_RETRY_SECONDS")),
        quarantine_days=_quarantine_days(env.get("CALLEASE_QUARANTINE_DAYS")),
    )


def _data_dir(text: str) -> Path:
    path = Path(text).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError("CALLEASE_DATA_DIR", f"{text!r} cannot be made: {error.strerror}") from None
    if not os.access(path, os.W_OK):
        raise SettingError("CALLEASE_DATA_DIR", f"{text!r} cannot be written to")
    return path


def _database_url(text: str | None, data_dir: Path) -> str:
    if not text:
        return f"sqlite:///{data_dir / 'callease.sqlite'}"
    name = "CALLEASE_DATABASE_URL"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise SettingError(name, "is not a database address such as postgresql://user@host/name") from None
    backend = url.get_backend_name()
    if backend not in _DATABASES:
        raise SettingError(name, f"{backend!r} is not supported: use sqlite or postgresql")
    if backend == "sqlite" and (not url.database or url.database.startswith((":memory:", "file:"))):
        raise SettingError(name, "sqlite needs a file: sqlite:////var/lib/callease/callease.sqlite")
    if url.drivername in _DATABASES:
        url = url.set(drivername=_DATABASES[url.drivername])
    if backend != "sqlite":
        try:
            url.get_dialect().import_dbapi()
        except ImportError:
            raise SettingError(name, "needs the driver: pip install callease[postgresql]") from None
    return url.render_as_string(hide_password=False)


def _redis_url(text: str | None) -> str | None:
    if not text:
        return None
    name = "CALLEASE_REDIS_URL"
    try:
        if cluster_address(text):
            return text
    except ValueError:
        problem = "a cluster is named by some of its nodes: redis+cluster://host:port,host:port"
        raise SettingError(name, problem) from None
    form = "must be an address that begins with redis://, rediss://, unix:// or redis+cluster://"
    parts = _address(name, text, form)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise SettingError(name, form)
    if parts.scheme != "unix" and not re.fullmatch(r"(/\d*)?", parts.path):
        raise SettingError(name, "what follows the host must be the number of a database, such as /0")
    return text


def _secret_key(env: Mapping[str, str], data_dir: Path) -> str:
    name, value = "CALLEASE_SECRET_KEY", env.get("CALLEASE_SECRET_KEY")
    if path := env.get("CALLEASE_SECRET_KEY_FILE"):
        name = "CALLEASE_SECRET_KEY_FILE"
        if value:
            raise SettingError(name, "CALLEASE_SECRET_KEY is set too: use one of them")
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(name, f"{path!r} cannot be read: {error}") from None
    elif not value:
        return _own_secret_key(data_dir / "secret_key")
    if len(value) < _SECRET_KEY_AT_LEAST:
        raise SettingError(name, f"must have at least {_SECRET_KEY_AT_LEAST} characters")
    return value


def _own_secret_key(path: Path) -> str:
    """Two processes that start together must end up with one key: whoever links the file first has made it."""
    if not path.exists():
        made = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(made, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # the other one's key it is
        finally:
            made.unlink()
    return path.read_text(encoding="utf-8").strip()


def _public_url(text: str | None) -> str | None:
    if not text:
        return None
    name, form = "CALLEASE_PUBLIC_URL", "must be an address such as https://calls.example.kz"
    parts = _address(name, text, form)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingError(name, form)
    return text.rstrip("/")


def _address(name: str, text: str, form: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # which raises when it is none
    except ValueError:
        raise SettingError(name, form) from None
    return parts


def _public_prefix(text: str | None) -> str:
    if text is None:
        return "/c"
    prefix = text.rstrip("/")
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
        raise SettingError("CALLEASE_PUBLIC_PREFIX", "must be a path such as /c")
    if prefix.split("/")[1:2] and prefix.split("/")[1] in ("api", "cabinet", "healthz", "readyz", "metrics"):
        raise SettingError("CALLEASE_PUBLIC_PREFIX", f"{prefix!r} is taken by Callease itself")
    return prefix


def _networks(name: str, text: str | None) -> tuple[Network, ...]:
    networks = []
    for entry in _list(text):
        try:
            networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            raise SettingError(name, f"{entry!r} is neither an address nor a CIDR block") from None
    return tuple(networks)


def _hosts(name: str, text: str | None) -> tuple[str, ...]:
    for entry in _list(text):
        try:
            ipaddress.ip_address(entry)
        except ValueError:
            if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", entry):
                problem = f"{entry!r} is neither a host name nor an address; ports and schemes are not given"
                raise SettingError(name, problem) from None
    return _list(text)


def _retry_seconds(text: str | None) -> tuple[int, ...]:
    if not text:
        return RETRY_SECONDS
    parts = _list(text)
    if not parts or not all(part.isascii() and part.isdigit() and len(part) <= 7 for part in parts):
        raise SettingError("CALLEASE_RETRY_SECONDS", "must be whole seconds such as 5,300,1800")
    if len(parts) > _RETRIES_AT_MOST:
        raise SettingError("CALLEASE_RETRY_SECONDS", f"must not have more than {_RETRIES_AT_MOST} delays")
    return tuple(int(part) for part in parts)


def _quarantine_days(text: str | None) -> int:
    if not text:
        return _QUARANTINE_DAYS
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(_QUARANTINE_DAYS_AT_MOST))
    if not plain or int(text) > _QUARANTINE_DAYS_AT_MOST:
        raise SettingError("CALLEASE_QUARANTINE_DAYS", f"must be whole days, 0 to {_QUARANTINE_DAYS_AT_MOST}")
    return int(text)


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
