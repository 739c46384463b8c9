"""`make bench`: speed as ratios from one run, on this machine, against real parts.

Machines are shared and noisy, so no figure here is asserted: each is printed beside the one that it is held against.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.load.lease_bench import against_postgresql, cost_of_the_lua_lease, memory_of_a_lease
from tests.support.installation import Installation

SECONDS = 4
ROUNDS = 3
CONNECTIONS = 32

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
    for part in (leases_a_second, cost_of_the_lua_lease, against_postgresql, memory_of_a_lease):
        part()
        print()


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
