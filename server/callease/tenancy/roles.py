"""Who may do what: a literal table, so that it can be read, argued about and tested."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    OPERATOR = "operator"
    ADVERTISER = "advertiser"
    MODERATOR = "moderator"


READ, WRITE = "read", "write"
_R, _RW = frozenset({READ}), frozenset({READ, WRITE})

# resource -> role -> what it may do. A role that is absent may not see that the resource exists.
PERMISSIONS: dict[str, dict[Role, frozenset[str]]] = {
    "sites": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R, Role.MODERATOR: _R},
    "advertisers": {
        Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R, Role.MODERATOR: _R, Role.ADVERTISER: _R,
    },
    "offices": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R, Role.MODERATOR: _R, Role.ADVERTISER: _R},
    "listings": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R, Role.MODERATOR: _R, Role.ADVERTISER: _R},
    "listing-imports": {Role.OWNER: _RW, Role.MANAGER: _RW},
    "numbers": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R, Role.ADVERTISER: _R},
    "number-imports": {Role.OWNER: _RW, Role.MANAGER: _RW},
    "proposals": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R},
    "proposal-runs": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _R},
    "telephony-accounts": {Role.OWNER: _RW, Role.MANAGER: _R},
    "tokens": {Role.OWNER: _RW},
    "users": {Role.OWNER: _RW, Role.MANAGER: _R},
    "webhook-endpoints": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.ADVERTISER: _RW},
    "deliveries": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.ADVERTISER: _RW},
    "sizings": {Role.OWNER: _RW, Role.MANAGER: _RW},
    "calls": {Role.OWNER: _R, Role.MANAGER: _R, Role.OPERATOR: _R, Role.MODERATOR: _R, Role.ADVERTISER: _R},
    "contacts": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _RW, Role.MODERATOR: _R, Role.ADVERTISER: _RW},
    "leads": {Role.OWNER: _RW, Role.MANAGER: _RW, Role.OPERATOR: _RW, Role.MODERATOR: _R, Role.ADVERTISER: _RW},
}  # fmt: skip


def may(role: Role, action: str, resource: str) -> bool:
    return action in PERMISSIONS[resource].get(role, frozenset())
