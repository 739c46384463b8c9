"""Numbers of a whole Callease against a model, through HTTP: reveals, calls, repeats, moves, splits, crashes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from callease.base.clock import SetClock, parse_rfc3339, rfc3339
from tests.factories import Cast
from tests.integration.numbers.life_model import Model, ModelNumber, Told
from tests.integration.numbers.life_stack import Stack
from tests.support.databases import on_both_databases
from tests.support.people import Page, Telephone
from tests.support.size import Size

DAY = 86_400.0
OFFICES, VISITORS, CALLERS = 3, 4, 3
CLASSES = (None, "organic", "paid_search")
SOURCES = ("organic", "paid_search", "social")
_a_visitor = st.integers(1, VISITORS)
_a_caller = st.one_of(st.none(), st.integers(1, CALLERS))
_an_office, _a_process, _any = st.integers(0, OFFICES - 1), st.integers(0, 1), st.integers(0, 99)
# Multiples of 100 s: between them a step takes a millisecond, so a lease is never about to end by Redis's own clock.
_WAITS = (100.0, 900.0, 1_700.0, 1_800.0, DAY, 30 * DAY, 61 * DAY)


_EVENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "visitors_ask": {
        "asks": st.lists(st.tuples(_a_visitor, _any, st.sampled_from(SOURCES), _a_process), min_size=1, max_size=4)
    },
    "somebody_calls": {"number": _any, "caller": _a_caller, "process": _a_process},
    "news_of_a_call_come_late": {
        "number": _any,
        "caller": _a_caller,
        "hours": st.sampled_from((1, 23)),
        "process": _a_process,
    },
    "time_passes": {"seconds": st.sampled_from(_WAITS)},
    "the_worker_has_its_turn": {"seconds": st.sampled_from((0.0, 61 * DAY))},
    "a_number_is_to_move": {"number": _any, "office": _an_office},
    "a_number_moves": {"number": _any, "office": _an_office},
    "an_office_s_numbers_are_split": {"number": _any, "source_class": st.sampled_from(CLASSES)},
    "a_number_is_bought": {"office": _an_office, "source_class": st.sampled_from(CLASSES)},
    "a_number_is_retired": {"number": _any},
    "redis_loses_everything": {},
    "another_redis_has_the_office": {"office": _an_office},
    "a_process_is_replaced": {"process": _a_process},
    "a_process_dies_before_it_answers": {"visitor": _a_visitor, "listing": _any, "process": _a_process},
    "the_stores_are_gone": {"number": _any, "caller": _a_caller, "listing": _any},
}
_events = st.one_of(*(st.tuples(st.just(name), st.fixed_dictionaries(of)) for name, of in _EVENTS.items()))


@dataclass(frozen=True)
class ModelListing:
    external_id: str
    site_key: str
    office: str
    phone: str
    lasts: timedelta


class Life(RuleBasedStateMachine):
    """Three offices, of two advertisers and two sites, with numbers of their own in every example."""

    made = count(1)
    steps_of_all = 0

    def __init__(self, stack: Stack, cast: Cast, sites: tuple[dict[str, Any], ...]) -> None:
        super().__init__()
        self.stack, self.clock = stack, stack.clock
        self.clock.set(datetime.now(UTC).replace(microsecond=0))
        self.cast, self.api, self.sites = cast, cast.api, sites
        self.life = next(self.made)
        self.model = Model()
        self.steps = 0
        self.offices: list[str] = []
        self.listings: list[ModelListing] = []
        self._flush()

    @initialize(classes=st.lists(st.sampled_from(CLASSES), min_size=OFFICES, max_size=3 * OFFICES))
    def begin(self, classes: list[str | None]) -> None:
        for index in range(OFFICES):
            advertiser = (self.cast.alatau, self.cast.saryarka)[index % 2]["id"]
            body = {"advertiser": advertiser, "name": "Life", "destinations": [{"to": "+77172555555", "timeout": 25}]}
            self.offices.append(self.api.post("/offices", body)["id"])
            for site in self.sites:
                self._list(site, advertiser, self.offices[-1])
        for index, source_class in enumerate(classes):
            self.a_number_is_bought(index % OFFICES, source_class)

    @rule(event=_events)
    def it_happens(self, event: tuple[str, dict[str, Any]]) -> None:
        """One rule: of many, Hypothesis leaves out some in each life, and in most lives nobody would ask or move."""
        name, fields = event
        getattr(self, name)(**fields)

    def visitors_ask(self, asks: list[tuple[int, int, str, int]]) -> None:
        for visitor, listing, source, process in asks:
            self._reveal(f"v{self.life}-{visitor}", self._listing(listing), source, process)
            self.clock.advance(0.001)

    def somebody_calls(self, number: int, caller: int | None, process: int) -> None:
        """The question where it goes, and the events, told twice."""
        self._call(self._number(number), self._phone(caller), self.stack.processes[process].http)

    def news_of_a_call_come_late(self, number: int, caller: int | None, hours: int, process: int) -> None:
        """It was perhaps the call of another owner."""
        found, phone, call = self._number(number), self._phone(caller), self._new_call()
        at = self.clock.now() - timedelta(hours=hours)
        telephone = self._telephone(self.stack.processes[process].http)
        self._events(telephone, call, found, phone, at)
        self._belongs(call, found.take_call(phone, at))

    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def the_worker_has_its_turn(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.stack.worker_s_turn()
        self.model.complete_moves(self.clock.now())

    def a_number_is_to_move(self, number: int, office: int) -> None:
        """Back to its office: then the move is cancelled."""
        found = self._number(number)
        if not found.retired:
            self.api.patch(f"/numbers/{found.id}", {"office": self.offices[office]})
            self.model.move(found, self.offices[office], self.clock.now())

    def a_number_moves(self, number: int, office: int) -> None:
        """And the quarantine is over, if it needs one."""
        self.a_number_is_to_move(number, office)
        self.the_worker_has_its_turn(61 * DAY)

    def an_office_s_numbers_are_split(self, number: int, source_class: str | None) -> None:
        self.api.patch(f"/numbers/{self._number(number).id}", {"source_class": source_class})

    def a_number_is_bought(self, office: int, source_class: str | None) -> None:
        e164 = f"+7997{next(self.made):07d}"
        body = {"e164": e164, "office": self.offices[office], "source_class": source_class}
        made = self.api.post("/numbers", {**body, "telephony_account": self.cast.account["id"]})
        self.model.numbers[e164] = ModelNumber(made["id"], e164, self.offices[office], self.clock.now())

    def a_number_is_retired(self, number: int) -> None:
        found = self._number(number)
        self.api.delete(f"/numbers/{found.id}")
        self.model.retire(found)

    def redis_loses_everything(self) -> None:
        self._flush()

    def another_redis_has_the_office(self, office: int) -> None:
        """Its state is an old one, as far as anybody can tell."""
        key = f"callease:{{{self.offices[office]}}}:stamp"
        self.stack.processes[0].parts.redis.call(lambda client: client.set(key, "other:1:1", xx=True))

    def a_process_is_replaced(self, process: int) -> None:
        self.stack.processes[process].begins_anew()

    def a_process_dies_before_it_answers(self, visitor: int, listing: int, process: int) -> None:
        dying, listed = self.stack.processes[process], self._listing(listing)
        who = f"v{self.life}-{visitor}"
        dying.pool.dies = True
        Page(dying.http, listed.site_key).reveal(listed.external_id, visitor=who)
        dying.begins_anew()
        self.model.unheard.add((who, listed.external_id))

    def the_stores_are_gone(self, number: int, caller: int | None, listing: int) -> None:
        """A call meanwhile goes to the owner; when they are back it is whose it would have been."""
        found, phone, call, listed = self._number(number), self._phone(caller), self._new_call(), self._listing(listing)
        self.stack.refresh_snapshot()
        telephone, at = self._telephone(self.stack.alone), self.clock.now()
        answer = telephone.route(call, found.e164, phone, at=rfc3339(at))
        assert answer.status == 200
        assert (answer.json["office"], answer.json["lease"]) == (found.office, None)
        shown = Page(self.stack.alone, listed.site_key).reveal(listed.external_id, visitor=f"v{self.life}-1")
        assert (shown.status, shown.json["kind"], shown.json["number"]) == (200, "fallback", listed.phone)
        self._events(telephone, call, found, phone, at)
        self.the_worker_has_its_turn(0.0)
        self._belongs(call, found.take_call(phone, at))

    @invariant()
    def a_number_has_one_owner(self) -> None:
        """Of each office in its turn the API tells all its numbers; the snapshot below is looked at whole."""
        if self.offices:
            office = self.offices[self.steps % OFFICES]
            told = {
                row["e164"]: (row["state"], row["next_office"]) for row in self.api.all(f"/numbers?office={office}")
            }
            own = [each for each in self.model.numbers.values() if each.office == office]
            assert told == {each.e164: (each.state, each.next_office) for each in own}

    @invariant()
    def with_the_stores_gone_it_would_be_asked_for_its_owner(self) -> None:
        self.stack.refresh_snapshot()
        for number in self.model.numbers.values():
            owner = self.stack.without_stores.snapshot.owner(number.e164)
            assert owner
            assert (owner.office.id, owner.number.state) == (number.office, number.state)

    @invariant()
    def a_call_now_goes_where_it_belongs(self) -> None:
        """Each number in its turn, each caller in his."""
        self.steps += 1
        Life.steps_of_all += 1
        numbers = [*self.model.numbers.values()]
        if numbers:
            caller = self._phone(self.steps % (CALLERS + 1) or None)
            self._route(numbers[self.steps % len(numbers)], caller, self.stack.processes[self.steps % 2].http)

    @invariant()
    def who_holds_a_number_keeps_it(self) -> None:
        """Each visitor in his turn asks, at the listings of each office in its turn."""
        visitor = f"v{self.life}-{self.steps % VISITORS + 1}"
        for listing in self.listings:
            if listing.office == self.offices[self.steps // VISITORS % OFFICES]:
                self._reveal(visitor, listing, "social", self.steps % 2)
        self.clock.advance(0.001)

    def _reveal(self, visitor: str, listing: ModelListing, source: str, process: int) -> None:
        page = Page(self.stack.processes[process].http, listing.site_key)
        answer = page.reveal(listing.external_id, visitor=visitor, source={"class": source})
        assert answer.status == 200, answer.body
        shown = answer.json
        if not self.model.leasable(listing.office):
            assert (shown["kind"], shown["number"], answer.reason) == ("fallback", listing.phone, "no_numbers")
            return
        assert answer.reason is None
        until = parse_rfc3339(shown["expires_at"])
        told = Told(shown["kind"], shown["lease"], shown["number"], until)
        self.model.reveal((visitor, listing.external_id), listing.office, told, self.clock.now(), listing.lasts)

    def _call(self, number: ModelNumber, caller: str | None, http: Any) -> None:
        at = self.clock.now()
        call, office = self._route(number, caller, http)
        for _ in range(2):
            self._events(self._telephone(http), call, number, caller, at)
        self._belongs(call, office)

    def _route(self, number: ModelNumber, caller: str | None, http: Any) -> tuple[str, str]:
        """Asks where a call goes; the provider's id of it and whose it is."""
        call, at = self._new_call(), self.clock.now()
        answer = self._telephone(http).route(call, number.e164, caller, at=rfc3339(at))
        assert answer.status == 200, answer.body
        office = number.take_call(caller, at)
        assert (answer.json["office"], answer.json["confidence"]["office"]) == (office, 1.0)
        if answer.json["lease"]:
            lease = self.model.leases[answer.json["lease"]]
            (listing,) = [each for each in self.listings if each.external_id == lease.subject[1]]
            assert (lease.e164, listing.office) == (number.e164, office), "nothing is told of other offices' visitors"
        self.clock.advance(0.001)
        return call, office

    @staticmethod
    def _events(telephone: Telephone, call: str, number: ModelNumber, caller: str | None, at: datetime) -> None:
        ends = at + timedelta(seconds=30)
        for type_, when, more in (("ringing", at, {}), ("ended", ends, {"disposition": "answered", "talk": 20})):
            assert telephone.event(type_, call, number.e164, caller, at=rfc3339(when), **more).status == 200

    def _belongs(self, call: str, office: str) -> None:
        (row,) = self.api.all(f"/calls?provider_call_id={call}")
        assert row["office"] == office
        self.clock.advance(0.001)

    def _list(self, site: dict[str, Any], advertiser: str, office: str) -> None:
        external_id = f"L{next(self.made)}"
        fields = {"site": site["id"], "advertiser": advertiser, "office": office, "phone": "+77172690000"}
        self.api.post("/listings", {**fields, "external_id": external_id, "title": "Life", "url": "https://bosaga.kz/"})
        lasts = timedelta(seconds=site["lease_seconds"])
        self.listings.append(ModelListing(external_id, site["key"], office, fields["phone"], lasts))

    def _flush(self) -> None:
        self.stack.processes[0].parts.redis.call(lambda client: client.flushall())

    def _telephone(self, http: Any) -> Telephone:
        return Telephone(http, self.cast.account, lambda: self.clock.now().timestamp())

    def _number(self, index: int) -> ModelNumber:
        numbers = [*self.model.numbers.values()]
        return numbers[index % len(numbers)]

    def _listing(self, index: int) -> ModelListing:
        return self.listings[index % len(self.listings)]

    def _phone(self, caller: int | None) -> str | None:
        return None if caller is None else f"+7701{self.life:06d}{caller}"

    def _new_call(self) -> str:
        return f"life-{next(self.made)}"


@pytest.fixture
def stack(environment: dict[str, str], clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    # Nobody waits here: what is given up on a busy machine is other tests' concern.
    monkeypatch.setattr("callease.web.telephony.views._PATIENCE_SECONDS", 20.0)
    monkeypatch.setattr("callease.base.group_commit._WAIT_SECONDS", 20.0)
    made = Stack.of(environment, clock)
    yield made
    made.close()


@on_both_databases
def test_numbers_live_as_their_model_does(
    stack: Stack, cast: Cast, size: Size, figure: Callable[[str, object], None]
) -> None:
    short = cast.api.post("/sites", {"name": "Short", "domains": ["bosaga.kz"], "region": "KZ", "lease_seconds": 600})
    sites = (cast.api.get(f"/sites/{cast.site['id']}"), short)
    lives = settings(
        max_examples=size.pick(small=2, soak=100),
        stateful_step_count=size.pick(small=60, soak=100),
        phases=[Phase.generate],  # a life takes seconds: to find the shortest that fails would take an hour
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    Life.steps_of_all = 0
    run_state_machine_as_test(lambda: Life(stack, cast, sites), settings=lives)
    figure("steps", Life.steps_of_all)
