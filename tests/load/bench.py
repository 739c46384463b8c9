"""`make bench`: speed as ratios from one run, on this machine, against real parts.

Machines are shared and noisy, so no figure here is asserted: each is printed beside the one that it is held against.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import redis

from callease.base.embedded_redis import EmbeddedRedis
from callease.numbers import pool
from tests.support.installation import Installation

SECONDS = 4
ROUNDS = 3
CONNECTIONS = 32
CALLS = 4_000
POOL_SIZES = (100, 10_000, 100_000)
CLASSES = 6
LEASE_SECONDS = 1_800

_LEASE_BODY = """
local n, run = 0, tostring(os.time())
request = function()
  n = n + 1
  local body = string.format(
    '{"site":"%s","listing":"%s","visitor":"%s-%d","session":"%s-%d","page":{"url":"https://x.kz/%d"}}',
    SITE, LISTING, run, n, run, n, n)
  return wrk.format("POST", "/c/v1/leases", {["Content-Type"] = "text/plain"}, body)
end
function init(arguments) SITE = arguments[1]; LISTING = arguments[2]; run = run .. arguments[3] end
local other = 0
response = function(status, headers, body)
  if not string.find(body, '"kind": "dynamic"') and not string.find(body, '"kind": "shared"') then other = other + 1 end
end
"""


def main() -> None:
    leases_a_second()
    print()
    cost_of_the_lua_lease()


def leases_a_second() -> None:
    """Leases, durable row included, against a constant JSON answer of the same server and workers."""
    print(f"POST /leases against a constant JSON answer, {CONNECTIONS} connections, 2 workers, SQLite, {ROUNDS} rounds")
    installation = Installation()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "lease.lua"
        script.write_text(_LEASE_BODY, encoding="utf-8")
        try:
            installation.up(workers=2)
            site, listing = _portal(installation, numbers=300)
            ratios = []
            for turn in range(ROUNDS):
                constant = _wrk(f"{installation.address}/healthz")
                arguments = ["-s", str(script)]
                leases = _wrk(installation.address, arguments, [site, listing, str(turn)])
                ratios.append(leases / constant)
                print(f"  constant {constant:8.0f}/s   leases {leases:8.0f}/s   ratio {leases / constant:.2f}")
            print(f"  median ratio {median(ratios):.2f} (budget 0.5)")
        finally:
            installation.stop()


def cost_of_the_lua_lease() -> None:
    """The lease script against `GET` by EVALSHA: the time of a round trip, and Redis's own account of its work."""
    print(f"The Lua lease against EVALSHA GET, one connection, {CALLS} calls each, in turns")
    folder = Path(tempfile.mkdtemp(prefix="callease-bench-", dir="/tmp"))
    embedded = EmbeddedRedis(folder, folder / "run" / "redis.sock")
    embedded.start()
    try:
        client = redis.Redis(unix_socket_path=str(folder / "run" / "redis.sock"), decode_responses=True)
        for size in POOL_SIZES:
            _print_pool(client, size)
    finally:
        embedded.stop()


def _print_pool(client: redis.Redis, size: int) -> None:
    client.flushall()
    keys, stamp = _fill(client, size)
    lease = client.script_load((Path(pool.__file__).parent / "lua" / "lease.lua").read_text(encoding="utf-8"))
    get = client.script_load("return redis.call('GET', KEYS[1])")

    moment = 0

    def one_lease() -> Any:
        """Each call half an hour after the last one, so that there is always a free number, as in a sized pool."""
        nonlocal moment
        moment += LEASE_SECONDS * 1_000
        every = [keys[0], f"{{o}}:subject:{moment}", *keys[1:]]
        return client.evalsha(lease, len(every), *every, stamp, "lse_bench", LEASE_SECONDS, 1, 0, 0, moment)

    def one_get() -> Any:
        return client.evalsha(get, 1, keys[0])

    trips: dict[str, list[float]] = {"lease": [], "get": []}
    work: dict[str, list[float]] = {"lease": [], "get": []}
    for _ in range(ROUNDS):
        for name, call in (("get", one_get), ("lease", one_lease)):
            trip, own = _timed(client, call)
            trips[name].append(trip)
            work[name].append(own)
    trip_lease, trip_get = median(trips["lease"]), median(trips["get"])
    own_lease, own_get = median(work["lease"]), median(work["get"])
    print(
        f"  {size:7d} numbers: round trip {trip_lease:5.1f} / {trip_get:5.1f} us = {trip_lease / trip_get:.2f}"
        f"   inside Redis {own_lease:5.1f} / {own_get:5.1f} us = {own_lease / own_get:.2f}   (budget 2)"
    )


def _timed(client: redis.Redis, call: Callable[[], Any]) -> tuple[float, float]:
    """Microseconds a call: of a round trip, and of Redis's own work."""
    for _ in range(200):
        call()
    client.config_resetstat()
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    trip = (time.perf_counter() - started) / CALLS * 1e6
    stats: Any = client.info("commandstats")
    return trip, float(stats["cmdstat_evalsha"]["usec_per_call"])


def _fill(client: redis.Redis, size: int) -> tuple[list[str], str]:
    """One office's pool of `size` free numbers in six classes, as the rebuild writes it."""
    stamp = "bench:1"
    classes = [f"{{o}}:class:{index}" for index in range(CLASSES)]
    pipe = client.pipeline(transaction=False)
    for index in range(size):
        pipe.zadd(classes[index % CLASSES], {f"num_{index:026d}": 0})
    pipe.set("{o}:stamp", stamp)
    pipe.execute()
    return ["{o}:stamp", "{o}:visitor", "{o}:address", *classes], stamp


def _portal(installation: Installation, numbers: int) -> tuple[str, str]:
    """A site with one listing of an office that owns so many numbers; the site's key and the listing's id."""

    def make(path: str, **fields: Any) -> Any:
        headers = {"Authorization": f"Bearer {installation.token}", "Content-Type": "application/json"}
        answer = installation.http("POST", f"/api/v1/{path}", body=json.dumps(fields).encode(), headers=headers)
        assert answer.status == 201, answer.body
        return json.loads(answer.body)

    site = make("sites", name="Bench", domains=["x.kz"])
    advertiser = make("advertisers", name="Bench")
    office = make("offices", advertiser=advertiser["id"], name="Bench", destinations=[])
    fields = {"site": site["id"], "advertiser": advertiser["id"], "office": office["id"]}
    make("listings", **fields, external_id="B-1", title="Bench", phone="+77172690000")
    rows = [{"e164": f"+7717200{index:04d}", "office": office["id"]} for index in range(numbers)]
    make("number-imports", rows=rows)
    return site["key"], "B-1"


def _wrk(address: str, options: list[str] | None = None, arguments: list[str] | None = None) -> float:
    """Requests a second."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", *(options or []), address]
    done = subprocess.run([*command, "--", *(arguments or [])], capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


if __name__ == "__main__":
    main()
