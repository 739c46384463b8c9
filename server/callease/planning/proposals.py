"""What an operator might change about the numbers of offices, and what each change would gain. Pure logic.

In the order in which they should be carried out: what is free and at once (classes of numbers), what is free and takes
time (moves), what costs money (purchases); within each, what gains most comes first, and each counts on those before
it. Nothing is proposed that would not be worth the minute that it takes to read it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from callease.attribution.posterior import CLASS_OF_NUMBER
from callease.numbers.damage import Costs
from callease.numbers.delays import DelayCurves
from callease.planning.allocation import Rates
from callease.planning.holdings import Expectation, Holding, Wrong

# Right answers a month, of the kind that the office's sites want most, at the low end of what the log allows.
_WORTH_A_MINUTE, _WORTH_A_NUMBER = 2.0, 1.0
# So little is lost that nobody would read of it.
_WORTH_A_WORD = 0.05
# More than anybody decides about in a day.
_MOVES_AT_MOST = 40
# A number that was leased almost only to one class is that class's: others have hardly seen it.
_NEARLY_ALL = 0.9
_Z = 1.96


class Kind(StrEnum):
    """`split` gives a number the class that it serves anyway, `unsplit` makes it one for any class."""

    BUY = "buy"
    MOVE = "move"
    SPLIT = "split"
    UNSPLIT = "unsplit"


@dataclass(frozen=True)
class NumberFacts:
    """A number that is leased at present. `shown`: somebody may know it, so it moves through quarantine.

    `leases`: of late, by class. `unexplained`: calls a month that no lease explains.
    """

    id: str
    source_class: str | None = None
    shown: bool = True
    leases: Mapping[str, int] = field(default_factory=dict)
    unexplained: float = 0.0


@dataclass(frozen=True)
class OfficeFacts:
    """`reveals` were counted, `rates` a second follow from them. `coming`: classes of numbers that are on their way."""

    id: str
    rates: Rates
    reveals: int
    costs: Costs
    numbers: tuple[NumberFacts, ...] = ()
    coming: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Gain:
    """Right answers more a month; below 0: fewer. `answers`: weighed by what is wanted, from `low` to `high`.

    `calls`: all calls a month of the offices concerned.
    """

    answers: float = 0.0
    low: float = 0.0
    high: float = 0.0
    source: float = 0.0
    session: float = 0.0
    calls: float = 0.0

    def __add__(self, other: Gain) -> Gain:
        return Gain(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Proposal:
    """`numbers`: ids of those that change, `count` how many they are or how many to buy.

    `source_class`: what they are for afterwards, None: for any class. `owned`: how many numbers the office has before a
    purchase, with all that was proposed before it. `at_once`: without quarantine. `loses_meanwhile`: what the old
    office of a moving number loses a month from now on, while the new one gains nothing yet; None: nothing.
    """

    kind: Kind
    office: str
    gain: Gain
    count: int = 1
    numbers: tuple[str, ...] = ()
    from_office: str | None = None
    source_class: str | None = None
    owned: int = 0
    at_once: bool = True
    loses_meanwhile: Gain | None = None

    @property
    def key(self) -> Key:
        return key_of(self.kind, self.office, self.from_office, self.source_class, self.numbers)


Key = tuple[str, ...]


def key_of(kind: Kind, office: str, from_office: str | None, source_class: str | None, numbers: Sequence[str]) -> Key:
    """By which proposals are of the same sense: who declines one does not want to read the other either."""
    if kind is Kind.MOVE:
        return kind, office, from_office or ""
    return kind, office, source_class or "", *(numbers if kind is Kind.SPLIT else ())


def propose(
    offices: Sequence[OfficeFacts], curves: DelayCurves, quarantine_months: float, declined: Collection[Key] = ()
) -> list[Proposal]:
    """`declined`: keys of proposals that nobody wants to read again."""
    states = [_Office(facts, curves) for facts in sorted(offices, key=lambda each: each.id) if facts.reveals]
    idle = [_Office(facts, curves) for facts in sorted(offices, key=lambda each: each.id) if not facts.reveals]
    proposals = _best_first([list(office.classes(declined)) for office in states])
    proposals += _moves([*states, *idle], quarantine_months, declined)
    return proposals + _best_first([list(office.purchases(declined)) for office in states])


def _best_first(by_office: Sequence[Sequence[Proposal]]) -> list[Proposal]:
    """By what each number brings; proposals of one office keep their order, for each counts on the ones before it."""
    placed = []
    for proposals in by_office:
        least = math.inf
        for place, proposal in enumerate(proposals):
            least = min(least, proposal.gain.answers / proposal.count)
            placed.append(((-least, proposal.office, place), proposal))
    return [proposal for _, proposal in sorted(placed, key=lambda each: each[0])]


class _Office:
    """An office as it will be when all that was proposed so far has come about."""

    def __init__(self, facts: OfficeFacts, curves: DelayCurves) -> None:
        self.id = facts.id
        self.numbers = list(facts.numbers)
        self.holding = Holding.of([*(each.source_class for each in facts.numbers), *facts.coming])
        self._steps = max(1, len(facts.rates))
        self._source_cost = facts.costs.source
        self._expected, self._low, self._high = (
            Expectation({name: rate * factor for name, rate in facts.rates.items()}, facts.costs, curves)
            for factor in (1.0, *poisson_factors(facts.reveals))
        )

    def gain(self, after: Holding) -> Gain:
        """Of having `after` instead of what the office has."""
        each = (self._expected, self._low, self._high)
        answers, *others = (of.weighed(self.holding) - of.weighed(after) for of in each)
        before, wrong = self._expected.wrong(self.holding), self._expected.wrong(after)
        less = before + wrong.times(-1)
        ends = (answers, *others)
        return Gain(answers, min(ends), max(ends), less.source, less.session, self._expected.calls)

    def classes(self, declined: Collection[Key]) -> Iterator[Proposal]:
        """Best first, each counting on those before it."""
        while True:
            found = [each for each in (*self._splits(), *self._unsplits()) if each.key not in declined]
            best = max(found, key=lambda each: (each.gain.answers, each.key), default=None)
            if best is None or best.gain.low < _WORTH_A_MINUTE:
                return
            self.holding = self._reclassed(best.numbers, best.source_class)
            self.numbers = [
                replace(each, source_class=best.source_class) if each.id in best.numbers else each
                for each in self.numbers
            ]
            yield best

    def _reclassed(self, ids: Collection[str], source_class: str | None) -> Holding:
        holding = self.holding.plus(source_class, len(ids))
        for number in self.numbers:
            if number.id in ids:
                holding = holding.plus(number.source_class, -1)
        return holding

    def _splits(self) -> Iterator[Proposal]:
        """A number for any class says nothing of a call that no lease explains; one of its own class does."""
        for number in self.numbers:
            whole = sum(number.leases.values())
            if number.source_class is not None or not number.unexplained or not whole:
                continue
            name = max(sorted(number.leases), key=number.leases.__getitem__)
            if number.leases[name] < _NEARLY_ALL * whole:
                continue
            gain = self.gain(self._reclassed([number.id], name)) + self._said([number.id])
            yield Proposal(Kind.SPLIT, self.id, gain, numbers=(number.id,), source_class=name)

    def _unsplits(self) -> Iterator[Proposal]:
        """One number of a class, or all that have one: the first may gain nothing without the others."""
        fixed = [number for number in self.numbers if number.source_class is not None]
        first_of = {number.source_class: number for number in reversed(fixed)}
        ways = [(number.id,) for number in first_of.values()] + [tuple(number.id for number in fixed)]
        for ids in ways:
            if ids:
                gain = self.gain(self._reclassed(ids, None)) + self._said(ids, -1)
                yield Proposal(Kind.UNSPLIT, self.id, gain, count=len(ids), numbers=ids)

    def _said(self, ids: Collection[str], sign: int = 1) -> Gain:
        """What their own class says, right, of calls that no lease explains."""
        source = sign * CLASS_OF_NUMBER * sum(number.unexplained for number in self.numbers if number.id in ids)
        weighed = source * self._source_cost
        return Gain(weighed, weighed, weighed, source)

    def spare(self) -> Iterator[tuple[Gain, NumberFacts]]:
        """What giving each kind of its numbers away would cost; it keeps one at least."""
        if len(self.numbers) < 2:
            return
        kinds: dict[tuple[str | None, bool], NumberFacts] = {}
        for number in sorted(self.numbers, key=lambda each: (sum(each.leases.values()), each.id)):
            kinds.setdefault((number.source_class, number.shown), number)
        for number in kinds.values():
            said = self._said([number.id], -1) if number.source_class else Gain()
            yield self.gain(self.holding.plus(number.source_class, -1)) + said, number

    def give(self, number: NumberFacts) -> None:
        self.numbers.remove(number)
        self.holding = self.holding.plus(number.source_class, -1)

    def take(self, source_class: str | None) -> None:
        """A number that is still on its way is not split or moved on."""
        self.holding = self.holding.plus(source_class, 1)

    def one_more(self) -> tuple[Gain, str | None]:
        """The gain, and the class that it is best used for."""
        return max(((gain, name) for name, _, gain in self._more(1)), key=lambda each: each[0].low)

    def purchases(self, declined: Collection[Key]) -> Iterator[Proposal]:
        """As many as bring enough each; one proposal for each class that they are for."""
        counts: dict[str | None, int] = {}
        before = self.holding
        while best := self._worth_buying():
            name, step = best
            counts[name] = counts.get(name, 0) + step
            self.holding = self.holding.plus(name, step)
        self.holding = before
        for name, count in counts.items():
            after, owned = self.holding.plus(name, count), self.holding.total
            found = Proposal(Kind.BUY, self.id, self.gain(after), count, source_class=name, owned=owned)
            if found.gain.low >= _WORTH_A_MINUTE and found.key not in declined:
                self.holding = after
                yield found

    def _worth_buying(self) -> tuple[str | None, int] | None:
        """For which class how many are best bought next: a second one may bring more than the first."""
        found = max(self._more(self._steps), key=lambda each: each[2].low / each[1])
        return found[:2] if found[2].low / found[1] >= _WORTH_A_NUMBER else None

    def _more(self, at_most: int) -> Iterator[tuple[str | None, int, Gain]]:
        """Further numbers are for any class, or for one that has numbers of its own."""
        for name in (None, *(name for name, _ in self.holding.fixed)):
            for count in range(1, at_most + 1):
                yield name, count, self.gain(self.holding.plus(name, count))


def _moves(offices: Sequence[_Office], quarantine_months: float, declined: Collection[Key]) -> Iterator[Proposal]:
    for _ in range(_MOVES_AT_MOST):
        best = _best_move(offices, quarantine_months, declined)
        if best is None:
            return
        proposal, giver, taker, number = best
        giver.give(number)
        taker.take(proposal.source_class)
        yield proposal


def _best_move(
    offices: Sequence[_Office], quarantine_months: float, declined: Collection[Key]
) -> tuple[Proposal, _Office, _Office, NumberFacts] | None:
    """What gains most within the year from now on: while a number waits, its old office has lost it already."""
    wanted = [(*office.one_more(), office) for office in offices]
    wanted = [each for each in wanted if each[0].low >= _WORTH_A_MINUTE]
    wanted.sort(key=lambda each: (-each[0].answers, each[2].id))
    best, best_of_year = None, 0.0
    for giver in offices if wanted else ():
        for loss, number in giver.spare():
            # Whoever gains most by a number gains most by each.
            for more, name, taker in wanted:
                proposal = _move(number, giver, taker, name, more + loss, loss)
                if taker is giver or proposal.key in declined:
                    continue
                waits = quarantine_months if number.shown else 0.0
                of_year = 12 * proposal.gain.answers - waits * more.answers
                if proposal.gain.low >= _WORTH_A_MINUTE and of_year > best_of_year:
                    best, best_of_year = (proposal, giver, taker, number), of_year
                break
    return best


def _move(
    number: NumberFacts, giver: _Office, taker: _Office, source_class: str | None, gain: Gain, loss: Gain
) -> Proposal:
    return Proposal(
        Kind.MOVE,
        taker.id,
        gain,
        numbers=(number.id,),
        from_office=giver.id,
        source_class=source_class,
        at_once=not number.shown,
        loses_meanwhile=loss if number.shown and loss.answers <= -_WORTH_A_WORD else None,
    )


def poisson_factors(count: int) -> tuple[float, float]:
    """The ends of the 95 % interval of a count, as parts of it (Byar's approximation; Breslow and Day, 1987)."""
    if count == 0:
        return 1.0, 1.0
    low = count * (1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3
    more = count + 1
    high = more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
    return max(0.0, low / count), high / count


def in_points(gain: Gain) -> Wrong:
    """Of the source and of the session, in percentage points of the calls concerned."""
    if not gain.calls:
        return Wrong()
    return Wrong(100 * gain.source / gain.calls, 100 * gain.session / gain.calls)
