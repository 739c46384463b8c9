"""What is known when a call comes: the leases of its number, and what was believed of its caller. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

# A tap on `tel:` and a call within this time belong together unless somebody else tapped too. The tap's report and the
# call travel on different roads: the call may arrive a few seconds before it.
_TAP_SECONDS, _CALL_FIRST_SECONDS = 60.0, 10.0


@dataclass(frozen=True)
class LeaseFacts:
    """A lease on the called number.

    `unspent`: the probability that no earlier call was its first one. `hidden`: the probability that a caller who hid
    the number was its visitor, at `hidden_at`: another hidden call may be the same person. `known`: the probability
    that its visitor's phone is known, and so another one than a stranger's. `asked_at`: when its visitor asked for the
    number again.
    """

    id: str
    office_id: str
    site_id: str
    listing_id: str | None
    visitor: str | None
    source_class: str
    leased_at: datetime
    kind: str = "dynamic"
    borrowed: bool = False
    consented: bool = True
    unspent: float = 1.0
    hidden: float = 0.0
    hidden_at: datetime | None = None
    known: float = 0.0
    asked_at: datetime | None = None
    dialled_at: datetime | None = None

    @property
    def shown_at(self) -> datetime:
        return self.asked_at or self.leased_at

    def after_call(self, p: float, at: datetime, hidden: bool) -> LeaseFacts:
        """The lease once a call has come that was its first one with probability `p`."""
        unspent = self.unspent * (1 - p)
        if not hidden:
            return replace(self, unspent=unspent)
        since = at if p > self.hidden else self.hidden_at
        return replace(self, unspent=unspent, hidden=self.hidden + p * (1 - self.hidden), hidden_at=since)

    def tapped(self, at: datetime) -> bool:
        """Whether the visitor tapped the number so shortly before `at` that the call may be that tap's."""
        if self.dialled_at is None:
            return False
        return -_CALL_FIRST_SECONDS <= (at - self.dialled_at).total_seconds() <= _TAP_SECONDS


@dataclass(frozen=True)
class Belief:
    """One lease that an earlier call of a caller may have come from, with its probability."""

    lease_id: str
    visitor: str | None
    listing_id: str | None
    source_class: str
    p: float


@dataclass(frozen=True)
class Memory:
    """What was believed at the caller's last call `at`; `first_at` is the call that the leases were believed from.

    `unknown`: the probability of each class beyond the leases that are named. `visitors`: who the caller may be.
    """

    office_id: str
    first_at: datetime
    at: datetime
    leases: tuple[Belief, ...] = ()
    unknown: Mapping[str, float] = field(default_factory=dict)
    visitors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """Everything known at the moment `at` of a call to one number.

    `owner_office_id`: whose the call is without a valid code. `leases`: newest first, at most 48, none later than `at`.
    `on_this_number`: the caller's memory of this number, `anywhere`: of the newest call to any number. `extension`: the
    lease whose code was dialled; `digits` without it were no valid code. `extension_before`: leases that had the code
    not long before it.
    """

    at: datetime
    owner_office_id: str
    number_class: str | None
    caller_known: bool
    leases: Sequence[LeaseFacts] = ()
    on_this_number: Memory | None = None
    anywhere: Memory | None = None
    digits: str | None = None
    extension: LeaseFacts | None = None
    extension_before: Sequence[LeaseFacts] = ()
