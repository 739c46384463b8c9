"""The Lua lease against the least script, against a pool in PostgreSQL, and what Redis keeps of it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from callease.base.embedded_redis import EmbeddedRedis
from tests.load.bench_office import BenchOffice
from tests.support.databases import PostgresServer, postgres_binary
from tests.support.waiting import eventually

ROUNDS = 3
CALLS = 2_000
SIZES = (100, 10_000, 100_000)
CONNECTIONS = 8
POSTGRES_SECONDS = 4
# Numbers for any class are grouped by the class leased last, and up to eight of them are weighed; of split ones, one.
OFFICES = (("never leased, split", False, True), ("leased before, split", True, True), ("leased before", True, False))


def cost_of_the_lua_lease() -> None:
    """Round trips of one connection, Redis's own account of the script, processor time of the server in all."""
    print(f"The Lua lease against EVALSHA GET, one connection, {CALLS} calls each, in turns, {ROUNDS} rounds")
    with _redis() as url:
        for size in SIZES:
            for name, warm, split in OFFICES:
                office = BenchOffice(url, size, warm, split)
                gets, leases = [], []
                for _ in range(ROUNDS):
                    gets.append(_timed(office, office.gets(CALLS)))
                    leases.append(_timed(office, office.leases(CALLS)))
                get, lease = _medians(gets), _medians(leases)
                figures = "   ".join(
                    f"{what} {a:5.0f} / {b:4.1f} us = {a / b:4.1f}"
                    for what, a, b in zip(("round trip", "inside Redis", "processor"), lease, get, strict=True)
                )
                print(f"  {size:7d} numbers, {name:21s}: {figures}   (budget 2)")
                office.close()


def memory_of_a_lease() -> None:
    """`used_memory` of one office, before and after."""
    size = 10_000
    print(f"Memory of Redis, an office of {size} numbers, {CALLS} leases")
    with _redis() as url:
        empty = BenchOffice(url, 1, warm=False, split=False)
        nothing = _used(empty)
        empty.close()
        for name, warm, split in OFFICES:
            office = BenchOffice(url, size, warm, split)
            before = _used(office)
            commands = office.leases(CALLS)
            _send(office.connections(1)[0], commands)
            holds = list(office.client.scan_iter("*:subject:*", count=1_000))
            held = (_used(office) - before) / CALLS
            hold = sum(office.client.memory_usage(key) for key in holds[:100]) / 100
            print(
                f"  {name:21s}: a number {(before - nothing) / size:4.0f} bytes   a lease {held:4.0f} more until its"
                f" visitor is forgotten, {held / hold:.1f} times the one key that names it ({hold:.0f})"
            )
            office.close()


def against_postgresql() -> None:
    """Leases a second over as many connections, in turns: one script, and one transaction.

    A busy machine gives eight processes more of itself than one: hence the servers' processor time beside it, of
    PostgreSQL without its background processes.
    """
    print(
        f"The Lua lease against a pool in PostgreSQL (FOR UPDATE SKIP LOCKED), {CONNECTIONS} connections, in turns,"
        f" {ROUNDS} rounds; PostgreSQL without fsync"
    )
    postgres = PostgresServer()
    try:
        with _redis() as url:
            for size in SIZES:
                office = BenchOffice(url, size, warm=True, split=True)
                name, address = postgres.fresh()
                _fill(address, size)
                rounds = []
                for _ in range(ROUNDS):
                    ours = _lua_pool(office, office.leases(4 * CALLS))
                    theirs = _sql_pool(address, postgres.pid)
                    rounds.append((ours[0] / theirs[0], theirs[1] / ours[1]))
                    print(
                        f"  {size:7d} numbers: Lua {ours[0]:6.0f}/s, {ours[1]:4.0f} us of processor each   PostgreSQL"
                        f" {theirs[0]:6.0f}/s, {theirs[1]:4.0f} us   {rounds[-1][0]:4.1f} and {rounds[-1][1]:4.1f}"
                    )
                throughput, processor = (median(each) for each in zip(*rounds, strict=True))
                print(f"  {size:7d} numbers: median ratios {throughput:.1f} and {processor:.1f} (budget 5)")
                office.close()
                postgres.drop(name)
    finally:
        postgres.close()


@contextmanager
def _redis() -> Iterator[str]:
    """As `callease serve` starts it, its log of writes included."""
    with tempfile.TemporaryDirectory(prefix="callease-bench-", dir="/tmp") as name:
        folder = Path(name)
        embedded = EmbeddedRedis(folder, folder / "run" / "redis.sock")
        embedded.start()
        try:
            yield embedded.url
        finally:
            embedded.stop()


def _timed(office: BenchOffice, commands: Sequence[bytes]) -> tuple[float, float, float]:
    """Microseconds a call: of a round trip, inside the script, of the server's processor."""
    (connection,) = office.connections(1)
    office.client.config_resetstat()
    processor, started = _processor_seconds(office), time.perf_counter()
    _send(connection, commands)
    trip, processor = time.perf_counter() - started, _processor_seconds(office) - processor
    stats: Any = office.client.info("commandstats")
    office.client.connection_pool.release(connection)
    return trip / len(commands) * 1e6, stats["cmdstat_evalsha"]["usec_per_call"], processor / len(commands) * 1e6


def _send(connection: Any, commands: Sequence[bytes]) -> None:
    for command in commands:
        connection.send_packed_command([command])
        connection.read_response()


def _processor_seconds(office: BenchOffice) -> float:
    used: Any = office.client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def _used(office: BenchOffice) -> int:
    used: Any = office.client.info("memory")
    return int(used["used_memory"])


def _medians(rounds: Sequence[tuple[float, float, float]]) -> list[float]:
    return [median(each) for each in zip(*rounds, strict=True)]


def _lua_pool(office: BenchOffice, commands: Sequence[bytes]) -> tuple[float, float]:
    """Leases a second, microseconds of the server's processor each; every connection has one lease on its way."""
    processor = _processor_seconds(office)
    connections = office.connections(CONNECTIONS)
    started = time.perf_counter()
    for first in range(0, len(commands), CONNECTIONS):
        for connection, command in zip(connections, commands[first : first + CONNECTIONS], strict=False):
            connection.send_packed_command([command])
        for connection in connections[: len(commands) - first]:
            connection.read_response()
    seconds = time.perf_counter() - started
    for connection in connections:
        office.client.connection_pool.release(connection)
    return len(commands) / seconds, (_processor_seconds(office) - processor) / len(commands) * 1e6


_TABLES = """
CREATE TABLE pool (id integer PRIMARY KEY, source_class integer NOT NULL, warm_since timestamptz NOT NULL,
                   held_until timestamptz NOT NULL);
CREATE TABLE lease_log (id bigserial PRIMARY KEY, number_id integer NOT NULL, visitor integer NOT NULL,
                        leased_at timestamptz NOT NULL, expires_at timestamptz NOT NULL);
INSERT INTO pool SELECT n, n % 6, now() - random() * interval '1 day', now() - interval '1 hour'
  FROM generate_series(1, {size}) AS n;
CREATE INDEX ON pool (source_class, warm_since);
"""
# A lease is over after some milliseconds, so that as many numbers are held as on the other side. Of a hundred numbers a
# transaction that had to wait may find none, because all that it saw were leased meanwhile: it counts all the same.
_TRANSACTION = r"""
\set class random(0, 5)
\set visitor random(1, 1000000000)
BEGIN;
SELECT coalesce((
  SELECT id FROM pool WHERE source_class = :class AND held_until <= clock_timestamp()
  ORDER BY warm_since LIMIT 1 FOR UPDATE SKIP LOCKED), 0) AS number \gset
UPDATE pool SET warm_since = clock_timestamp(), held_until = clock_timestamp() + interval '{held} milliseconds'
  WHERE id = :number;
INSERT INTO lease_log (number_id, visitor, leased_at, expires_at) VALUES (:number, :visitor, now(), now());
COMMIT;
"""
_HELD_MILLISECONDS = 10


def _fill(address: str, size: int) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(_TABLES.format(size=size).encode())
        connection.execute("VACUUM ANALYZE pool")


def _sql_pool(address: str, server_pid: int) -> tuple[float, float]:
    """As `_lua_pool`, by PostgreSQL's own benchmark program with prepared statements."""
    before = _seconds_of_children(server_pid)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_TRANSACTION.format(held=_HELD_MILLISECONDS))
        script.flush()
        options = ["-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1", "-T", str(POSTGRES_SECONDS)]
        command = [str(postgres_binary("pgbench")), *options, "-f", script.name, address]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(address, autocommit=True) as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        eventually(lambda: connection.execute(others).fetchone() == (0,), 30, "pgbench's connections are over")
    (leases,) = [each for each in done.stdout.splitlines() if "transactions actually processed" in each]
    (a_second,) = [each for each in done.stdout.splitlines() if each.startswith("tps = ")]
    processor = _seconds_of_children(server_pid) - before
    return float(a_second.split()[2]), processor / int(leases.split(":")[1].split("/")[0]) * 1e6


def _seconds_of_children(pid: int) -> float:
    """Processor time of the server's connections that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
