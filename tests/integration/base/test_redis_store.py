"""A Redis that is started anew may have lost what it was told last: nothing of the old one is believed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from callease.base.embedded_redis import EmbeddedRedis
from callease.base.errors import Unavailable
from callease.base.redis import RedisStore
from tests.factories import Cast
from tests.support.waiting import eventually


class OwnRedis:
    """A Redis of the test's own, which can lose its last moments."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="callease-redis-", dir="/tmp"))
        self.embedded = self._new()
        self.embedded.start()

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "redis.sock"

    @property
    def data(self) -> Path:
        return self.folder / "redis"

    def _new(self) -> EmbeddedRedis:
        return EmbeddedRedis(self.folder, self.socket)

    def restart(self, data: Path | None = None) -> None:
        """With what it has, or with `data` instead."""
        self.embedded.stop()
        if data:
            shutil.rmtree(self.data)
            shutil.copytree(data, self.data)
        self.embedded = self._new()
        self.embedded.start()

    def close(self) -> None:
        self.embedded.stop()
        shutil.rmtree(self.folder)


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    made = OwnRedis()
    yield made
    made.close()


@pytest.fixture
def other_redis() -> Iterator[OwnRedis]:
    made = OwnRedis()
    yield made
    made.close()


@pytest.fixture
def address(own_redis: OwnRedis) -> Path:
    """A socket's path that may lead to another server tomorrow."""
    path = own_redis.folder / "address.sock"
    path.symlink_to(own_redis.socket)
    return path


@pytest.fixture
def environment(environment: dict[str, str], address: Path) -> dict[str, str]:
    return {**environment, "CALLEASE_REDIS_URL": f"unix://{address}"}


def test_a_redis_that_lost_its_last_second_gives_no_number_twice(
    cast: Cast, own_redis: OwnRedis, tmp_path: Path
) -> None:
    page = cast.page()
    first = page.reveal("ZHK-1003", visitor="v1").json
    shutil.copytree(own_redis.data, tmp_path / "a moment ago")
    second = page.reveal("ZHK-1003", visitor="v2").json
    own_redis.restart(tmp_path / "a moment ago")
    third = page.reveal("ZHK-1003", visitor="v3").json
    assert third["kind"] == "dynamic"
    assert third["number"] not in (first["number"], second["number"])
    assert page.reveal("ZHK-1003", visitor="v2").json["lease"] == second["lease"]


def test_leases_outlive_a_restart(cast: Cast, own_redis: OwnRedis) -> None:
    before = cast.page().reveal("ZHK-1003", visitor="v1").json
    own_redis.restart()
    assert cast.page().reveal("ZHK-1003", visitor="v1").json["lease"] == before["lease"]


def test_another_server_takes_over_behind_the_address(
    cast: Cast, own_redis: OwnRedis, other_redis: OwnRedis, address: Path
) -> None:
    """As with Sentinel: the old master is a replica now, and its connections still stand."""
    page = cast.page()
    first, second = (page.reveal("ZHK-1003", visitor=visitor).json for visitor in ("v1", "v2"))
    address.unlink()
    address.symlink_to(other_redis.socket)
    with redis.Redis(unix_socket_path=str(own_redis.socket)) as old:
        old.execute_command("REPLICAOF", "127.0.0.1", "1")
    third = eventually(lambda: [a for a in [page.reveal("ZHK-1003", visitor="v3")] if not a.reason])[0].json
    assert third["kind"] == "dynamic"
    assert third["number"] not in (first["number"], second["number"])
    assert page.reveal("ZHK-1003", visitor="v2").json["lease"] == second["lease"]


def test_a_redis_that_is_not_there_is_said_so_at_once(tmp_path: Path) -> None:
    store = RedisStore(f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(Unavailable, match="redis"):
        store.call(lambda client: client.ping())
    store.close()
