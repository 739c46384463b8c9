"""How a Redis Cluster is named in `CALLEASE_REDIS_URL`."""

import pytest

from callease.base.redis_cluster import ClusterAddress, cluster_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis+cluster://a", ClusterAddress(None, None, (("a", 6379),))),
        ("redis+cluster://a:7000,10.0.0.2:7001/", ClusterAddress(None, None, (("a", 7000), ("10.0.0.2", 7001)))),
        ("redis+cluster://[2001:db8::7]:7000,b/0", ClusterAddress(None, None, (("2001:db8::7", 7000), ("b", 6379)))),
        ("redis+cluster://:p%40ss@a:7000", ClusterAddress(None, "p@ss", (("a", 7000),))),
        ("redis+cluster://me:secret@a", ClusterAddress("me", "secret", (("a", 6379),))),
    ],
)
def test_nodes_and_login(url: str, address: ClusterAddress) -> None:
    assert cluster_address(url) == address


@pytest.mark.parametrize("url", ["redis://a,b", "rediss://a", "unix:///run/redis.sock"])
def test_another_scheme_is_no_cluster(url: str) -> None:
    assert cluster_address(url) is None
