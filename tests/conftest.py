"""The ground of all tests: real parts, made fresh, left behind by none.

`parts` is a whole Callease in this process on a database of its own and the session's real Redis; `client`, `cast` and
what else asks it stand on it. `server` is a whole Callease in processes of its own, shared by all tests that do it no
harm; a test that breaks things starts its own with `install`.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from callease.app import build_services, create_app
from callease.base.clock import SetClock
from callease.base.embedded_redis import EmbeddedRedis
from callease.base.redis import RedisStore
from callease.settings import Settings, load_settings
from callease.tenancy.accounts import create_token
from callease.web.services import Services
from tests.factories import Cast, build_cast
from tests.support.databases import EMPTY, PostgresServer, SqliteTemplates
from tests.support.http import Api, InProcess
from tests.support.installation import Installation
from tests.support.redis_cluster import LocalCluster
from tests.support.size import SIZES, Size

# Small: the same examples in every run. Soak: others each time, and many. A test with slow examples runs a share of
# `settings.default.max_examples`. Times are not judged: the machine may be busy.
hypothesis.settings.register_profile("small", max_examples=100, derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("soak", max_examples=2_000, database=None, deadline=None)

_WITH_CAST = "template_with_cast"
_PATIENT_SECONDS = 5
_FIGURES = pytest.StashKey[list[str]]()
SECRET_KEY = "the tests' own secret key, not a secret"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--size",
        choices=SIZES,
        default=os.environ.get("CALLEASE_TEST_SIZE", "small"),
        help="how much heavy tests do (default: CALLEASE_TEST_SIZE, else small)",
    )


def pytest_configure(config: pytest.Config) -> None:
    size = config.getoption("size")
    if size not in SIZES:
        raise pytest.UsageError(f"CALLEASE_TEST_SIZE must be one of {', '.join(SIZES)}")
    hypothesis.settings.load_profile(size)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if measured := config.stash.get(_FIGURES, []):
        terminalreporter.section("figures, measured on this machine")
        for line in measured:
            terminalreporter.line(line)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Tells a measured figure at the end of the run: `figure("restarted after, s", 1.2)`. Nothing is judged by it."""

    def tell(name: str, value: object) -> None:
        request.config.stash.setdefault(_FIGURES, []).append(f"{request.node.name}: {name}: {value}")

    return tell


@pytest.fixture(autouse=True)
def _ends_when_told() -> Iterator[None]:
    """A command that a test has called in this process takes SIGTERM for its own: the run would go on."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> Size:
    return Size(pytestconfig.getoption("size"))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis for the whole session, emptied before each test that has `parts`."""
    folder = Path(tempfile.mkdtemp(prefix="callease-redis-", dir="/tmp"))
    embedded = EmbeddedRedis(folder, folder / "run" / "redis.sock")
    embedded.start()
    yield embedded.url
    embedded.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[LocalCluster]:
    """Six real Redis servers for the whole session; who breaks it heals it."""
    cluster = LocalCluster()
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplates:
    return SqliteTemplates(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL for the whole session."""
    server = PostgresServer()
    yield server
    server.close()


@dataclass
class _FilledTemplates:
    """The cast is made once a database; whoever wants it gets a copy of that database."""

    make: Callable[[str, str], tuple[Cast, str]]
    made: dict[str, tuple[Cast, str]] = field(default_factory=dict)

    def of(self, backend: str, templates: SqliteTemplates | PostgresServer) -> tuple[Cast, str]:
        """The cast, and the token of its owner."""
        if backend not in self.made:
            self.made[backend] = self.make(backend, templates.add(_WITH_CAST))
        return self.made[backend]


@pytest.fixture(scope="session")
def filled_templates(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> _FilledTemplates:
    def make(backend: str, url: str) -> tuple[Cast, str]:
        folder = tmp_path_factory.mktemp(f"cast-{backend}")
        parts = build_services(load_settings(_environment(folder, url, redis_url)))
        token = _owner_token(parts)
        cast = build_cast(InProcess(create_app(parts).test_client()), token)
        parts.close()
        return cast, token

    return _FilledTemplates(make)


@dataclass
class _Apps:
    """One application for all tests of the same settings: putting its API together costs more than most tests."""

    made: dict[Settings, Flask] = field(default_factory=dict)

    def of(self, parts: Services) -> Flask:
        nowhere = {"data_dir": Path(), "database_url": "", "redis_url": None}
        settings = replace(parts.settings, **nowhere)
        if settings not in self.made:
            self.made[settings] = create_app(parts)
        app = self.made[settings]
        app.extensions["callease"] = parts
        return app


@pytest.fixture
def backend() -> str:
    """The database that `parts` stands on; see `on_both_databases`."""
    return "sqlite"


@pytest.fixture
def template(backend: str, request: pytest.FixtureRequest) -> tuple[Cast, str] | None:
    """What the test's database begins with: the cast and its owner's token, where the test wants the cast."""
    if "cast" not in request.fixturenames:
        return None
    filled: _FilledTemplates = request.getfixturevalue("filled_templates")
    return filled.of(backend, request.getfixturevalue("sqlite_templates" if backend == "sqlite" else "postgres"))


@pytest.fixture
def database_url(
    backend: str, template: tuple[Cast, str] | None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A database of the test's own, with the newest schema and, where the test wants it, the cast."""
    name = _WITH_CAST if template else EMPTY
    if backend == "sqlite":
        templates: SqliteTemplates = request.getfixturevalue("sqlite_templates")
        yield templates.fresh(tmp_path / "callease.sqlite", name)
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    made, url = postgres.fresh(name)
    yield url
    postgres.drop(made)


@pytest.fixture
def clock() -> SetClock:
    """Stands still at the present moment until the test moves it; Redis goes by its own time."""
    return SetClock(datetime.now(UTC))


@pytest.fixture
def environment(tmp_path: Path, database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of `parts`; a test may override this fixture."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()  # the cast's offices have the same ids in every test
    return _environment(tmp_path / "data", database_url, redis_url)


@pytest.fixture
def parts(environment: dict[str, str], clock: SetClock) -> Iterator[Services]:
    made = build_services(load_settings(environment), clock)
    if isinstance(made.redis, RedisStore):
        # A busy machine keeps Redis waiting for longer than visitors are. What then happens, tests of a server try.
        patience = {"socket_timeout": _PATIENT_SECONDS, "socket_connect_timeout": _PATIENT_SECONDS}
        made.redis.client.connection_pool.connection_kwargs.update(patience)
    yield made
    made.close()


@pytest.fixture(scope="session")
def apps() -> _Apps:
    return _Apps()


@pytest.fixture
def app(parts: Services, apps: _Apps) -> Flask:
    return apps.of(parts)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def http(client: FlaskClient) -> InProcess:
    """Asks `app` as `server.http` asks a server."""
    return InProcess(client)


@pytest.fixture
def owner_token(parts: Services, template: tuple[Cast, str] | None) -> str:
    return template[1] if template else _owner_token(parts)


@pytest.fixture
def api(http: InProcess, owner_token: str) -> Api:
    """The management API in the owner's hands."""
    return Api(http, owner_token)


@pytest.fixture
def cast(http: InProcess, owner_token: str, template: tuple[Cast, str] | None) -> Cast:
    assert template, "a test that wants the cast says so in its arguments"
    return template[0].at(http, owner_token)


@pytest.fixture
def install() -> Iterator[Callable[..., Installation]]:
    """Makes installations of the test's own, nothing started yet: `install(RETRY_SECONDS="0,0").up()`."""
    made: list[Installation] = []

    def new(**settings: str) -> Installation:
        made.append(Installation(**settings))
        return made[-1]

    try:
        yield new
    finally:
        for installation in made:
            installation.stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Installation]:
    """`callease serve` and `callease worker`, for all tests that leave them as they are."""
    installation = Installation()
    try:
        yield installation.up()
    finally:
        installation.stop()


@pytest.fixture(scope="session")
def server_cast(server: Installation) -> Cast:
    return server.cast()


def _environment(data_dir: Path, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "CALLEASE_DATA_DIR": str(data_dir),
        "CALLEASE_DATABASE_URL": database_url,
        "CALLEASE_REDIS_URL": redis_url,
        "CALLEASE_SECRET_KEY": SECRET_KEY,
    }


def _owner_token(parts: Services) -> str:
    with parts.database.transaction() as session:
        return create_token(session, parts.clock, {"name": "owner of the tests", "role": "owner"})[1]
