"""What must be true of an installation's numbers, whatever happens to them: no pools, no damage, no stores."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

QUARANTINE = timedelta(days=60)


@dataclass
class ModelNumber:
    """`previous` owned it before `since`; `calls`: (when, caller, whose it was) of callers who did not hide."""

    id: str
    e164: str
    office: str
    since: datetime
    previous: str | None = None
    shown: bool = False
    retired: bool = False
    next_office: str | None = None
    until: datetime | None = None
    calls: list[tuple[datetime, str, str]] = field(default_factory=list)

    @property
    def state(self) -> str:
        return "retired" if self.retired else "quarantine" if self.next_office else "active"

    def office_of_call(self, caller: str | None, at: datetime) -> str:
        """The contract's rule: whom the caller rang before the number changed its owner, else the owner then."""
        before = [call for call in self.calls if call[1] == caller and call[0] < min(self.since, at)]
        if before:
            return max(before)[2]
        return self.office if at >= self.since else self.previous or self.office

    def take_call(self, caller: str | None, at: datetime) -> str:
        office = self.office_of_call(caller, at)
        if caller:
            self.calls.append((at, caller, office))
        return office


@dataclass(frozen=True)
class ModelLease:
    """`subject`: visitor and listing."""

    id: str
    subject: tuple[str, str]
    e164: str
    until: datetime


@dataclass(frozen=True)
class Told:
    """What a visitor was answered."""

    kind: str
    lease: str | None
    e164: str
    until: datetime | None


@dataclass
class Model:
    """`leases`: those that visitors were told of; `unheard`: who asked when a process died before it answered."""

    numbers: dict[str, ModelNumber] = field(default_factory=dict)
    leases: dict[str, ModelLease] = field(default_factory=dict)
    unheard: set[tuple[str, str]] = field(default_factory=set)

    def leasable(self, office: str) -> set[str]:
        return {each.e164 for each in self.numbers.values() if each.office == office and each.state == "active"}

    def kept(self, subject: tuple[str, str], office: str, now: datetime) -> ModelLease | None:
        """The lease that the subject must be given again."""
        own = [lease for lease in self.leases.values() if lease.subject == subject]
        if own and own[-1].until > now and own[-1].e164 in self.leasable(office):
            return own[-1]
        return None

    def reveal(self, subject: tuple[str, str], office: str, told: Told, now: datetime, lasts: timedelta) -> None:
        """Checks an answer and takes note of it."""
        assert told.e164 in self.leasable(office), "a number of the office, and not one that is on its way to another"
        assert told.kind in ("dynamic", "shared")
        assert told.lease
        assert told.until
        kept = self.kept(subject, office, now)
        if kept:
            assert (told.lease, told.e164, told.until) == (kept.id, kept.e164, kept.until)
        elif told.lease not in self.leases:
            heard_first = told.until == now + lasts
            assert heard_first or (subject in self.unheard and now < told.until < now + lasts)
        if told.kind == "dynamic":
            others = [each for each in self.leases.values() if each.e164 == told.e164 and each.until > now]
            assert all(each.subject[0] == subject[0] for each in others), "it is in another visitor's live lease"
        self.leases.setdefault(told.lease, ModelLease(told.lease, subject, told.e164, told.until))
        assert self.leases[told.lease].subject == subject
        self.numbers[told.e164].shown = True

    def move(self, number: ModelNumber, office: str, now: datetime) -> None:
        """A number that was shown changes its owner only after a whole quarantine."""
        if office == number.office:
            number.next_office = number.until = None
        elif number.shown or number.next_office:
            if office != number.next_office:
                number.next_office, number.until = office, now + QUARANTINE
        else:
            self._give(number, office, now)

    def complete_moves(self, now: datetime) -> None:
        for number in self.numbers.values():
            if number.next_office and number.until and number.until <= now:
                self._give(number, number.next_office, now)

    @staticmethod
    def retire(number: ModelNumber) -> None:
        number.retired, number.next_office, number.until = True, None, None

    @staticmethod
    def _give(number: ModelNumber, office: str, now: datetime) -> None:
        number.previous, number.office, number.since = number.office, office, now
        number.next_office = number.until = None
