"""How many leases an hour one visitor, address, network, listing, office or site may have before one is suspicious.

Counted are subjects, (visitor, listing) mostly, of one site: who asks again for a number that was shown costs nothing.
Where a site's leases last longer than an hour, the budgets are for as long as a lease.
An office's budget is spent long before its site's: a drain of one office is not felt by another.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callease.base.errors import LimitExceeded
from callease.base.group_commit import Guard
from callease.base.redis import LuaScript, ScriptCall

_SCRIPT = LuaScript(Path(__file__).parent / "lua" / "budget.lua")
_SECONDS = 3_600
_NETWORK_V4, _NETWORK_V6 = 24, 48


@dataclass(frozen=True)
class Budget:
    """Leases an hour; `proven`: of those who also solved a challenge for each lease beyond the first number."""

    plain: int
    proven: int


# An office, or a mobile operator's gateway, stands behind one address: the challenge tells its people from a machine.
BUDGETS = {
    "visitor": Budget(60, 120),
    "address": Budget(300, 3_000),
    "network": Budget(1_200, 12_000),
    "listing": Budget(600, 6_000),
    "office": Budget(3_000, 30_000),
    "site": Budget(20_000, 200_000),
}


@dataclass(frozen=True)
class Asker:
    """Who wants a lease of `lease_seconds`; `visitor`, `address` None: not counted.

    `proof`: the id of the challenge that was solved.
    """

    site_id: str
    office_id: str
    subject: str
    visitor: str | None
    address: str | None
    listing: str
    lease_seconds: int
    proof: str | None = None

    @property
    def counted(self) -> dict[str, str]:
        of = {"visitor": self.visitor, "address": self.address, "listing": self.listing}
        of |= {"office": self.office_id, "site": self.site_id}
        if self.address:
            of["network"] = network_of(self.address)
        return {name: of[name] or "" for name in BUDGETS if of.get(name)}


class BudgetSpent(LimitExceeded):
    """`budget`: which one. For the operator's figures: whoever spent it need not learn what to vary next."""

    def __init__(self, retry_after: int, budget: str) -> None:
        super().__init__("too_many_reveals", retry_after)
        self.budget = budget


def guard_of(asker: Asker, prefix: str = "callease") -> Guard:
    """Its check raises BudgetSpent."""
    base, counted = f"{prefix}:{{{asker.site_id}}}", asker.counted
    keys = [f"{base}:solved:{asker.proof or '-'}", *(f"{base}:{name}:{value}" for name, value in counted.items())]
    limits = [each for name in counted for each in (BUDGETS[name].plain, BUDGETS[name].proven)]
    arguments = (asker.subject, max(_SECONDS, asker.lease_seconds), 1 if asker.proof else 0, *limits)

    def check(answer: Sequence[int]) -> None:
        if answer[0]:
            raise BudgetSpent(answer[1], [*counted][answer[0] - 1])

    return Guard(ScriptCall(_SCRIPT, keys, lambda _: arguments), check)


def network_of(address: str) -> str:
    """The neighbours that one attacker usually has: /24, for IPv6 /48."""
    parsed = ipaddress.ip_address(address)
    bits = _NETWORK_V4 if parsed.version == 4 else _NETWORK_V6
    return str(ipaddress.ip_network((parsed, bits), strict=False).network_address)
