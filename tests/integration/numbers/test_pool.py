"""The pool of an office: which number is leased, to whom, for how long."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from callease.base.clock import SetClock
from callease.base.errors import NotFound, Unavailable
from callease.base.group_commit import Row
from callease.catalog.models import Office
from callease.numbers.damage import COSTS
from callease.numbers.delays import DelayCurves
from callease.numbers.log import PoolFacts, SqlLeaseLog
from callease.numbers.pool import Held, NumberPool, subject_of
from callease.numbers.weighing import Weighing
from callease.web.services import Services
from tests.factories import Cast
from tests.integration.numbers.desk import LEASE_SECONDS, Desk, no_rows

ADDED = "+77172692999"


@pytest.fixture
def unsplit(parts: Services, cast: Cast) -> Desk:
    """Three numbers for any class."""
    return Desk(parts, cast, cast.alatau_riverside.id)


@pytest.fixture
def split(parts: Services, cast: Cast) -> Desk:
    """Two numbers for paid_search, one for organic, one for any class."""
    return Desk(parts, cast, cast.alatau_sales.id)


def test_the_coldest_number_is_leased_first(unsplit: Desk) -> None:
    first = [unsplit.number(f"v{at}", at=at) for at in range(3)]
    assert len(set(first)) == 3
    assert [unsplit.number(f"w{at}", at=LEASE_SECONDS + at) for at in range(3)] == first
    assert unsplit.number("x", at=3 * LEASE_SECONDS) == first[0]
    assert [unsplit.number(f"y{at}", at=3 * LEASE_SECONDS + 1 + at) for at in range(2)] == first[1:]
    assert unsplit.number("z", at=4 * LEASE_SECONDS) == first[0]


def test_a_number_is_free_at_the_very_end_of_its_lease(unsplit: Desk) -> None:
    numbers = [unsplit.number(f"v{index}") for index in range(3)]
    assert unsplit.outcome("early", at=LEASE_SECONDS - 0.001)[1] == "shared"
    assert unsplit.outcome("late", at=LEASE_SECONDS)[1] == "dynamic"
    assert unsplit.number("v0", at=LEASE_SECONDS - 0.001) == numbers[0]


def test_its_own_class_then_the_coldest_of_another_then_shared(split: Desk, cast: Cast) -> None:
    paid, more_paid, organic, unsplit = (e164 for _, e164 in cast.alatau_sales.numbers)
    # Warm them all up, in an order that makes the organic one the coldest after the paid ones.
    assert split.number("a", "organic", at=0) == organic
    assert split.number("b", "social", at=1) == unsplit
    assert {split.number("c", "paid_search", at=2), split.number("d", "paid_search", at=3)} == {paid, more_paid}
    then = 2 * LEASE_SECONDS
    assert split.outcome("e", "paid_search", at=then)[1] == "dynamic"
    assert split.outcome("f", "paid_search", at=then + 1)[1] == "dynamic"
    assert split.outcome("g", "paid_search", at=then + 2) == (organic, "borrowed")
    assert split.outcome("h", "paid_search", at=then + 3) == (unsplit, "borrowed")
    # All are held: the one leased longest ago, which is that of "e".
    shared = split.lease("i", "paid_search", at=then + 4)
    assert (shared.e164, shared.outcome) == (split.number("e", "paid_search", at=then + 5), "shared")


@pytest.mark.parametrize(("objective", "taken"), [("source", 1), ("both", 0)])
def test_where_classes_count_most_one_that_has_no_number_takes_from_whoever_has_two(
    parts: Services, cast: Cast, objective: str, taken: int
) -> None:
    """Taking the only number of another class would send that one on its way in turn."""
    desk, weighing = Desk.of_a_new_office(parts, cast, numbers=3), Weighing(COSTS[objective], DelayCurves())
    held = [
        desk.lease(f"v{at}", source_class, at, weighing=weighing)
        for at, source_class in enumerate(("social", "paid_search", "paid_search"))
    ]
    assert len({each.number_id for each in held}) == 3
    found = desk.lease("w", "organic", 2 * 86_400, weighing=weighing)
    assert found.number_id == held[taken].number_id


def test_a_class_without_numbers_of_its_own_takes_those_for_any(split: Desk, cast: Cast) -> None:
    assert split.outcome("a", "messenger") == (cast.alatau_sales.numbers[3][1], "dynamic")
    assert split.outcome("b", "messenger")[1] == "borrowed"


def test_never_a_number_of_another_office(split: Desk, cast: Cast) -> None:
    seen = {split.number(f"v{index}", ("organic", "paid_search", "social")[index % 3]) for index in range(40)}
    assert seen == cast.alatau_sales.e164s


def test_an_office_without_numbers_says_so(parts: Services, cast: Cast) -> None:
    office = cast.api.post("/offices", {"advertiser": cast.alatau["id"], "name": "No numbers"})["id"]
    with pytest.raises(NotFound, match="no_numbers"):
        Desk(parts, cast, office).lease("v")


def test_whose_lease_it_is() -> None:
    """(visitor, listing), without a visitor (session, listing), with neither each request is a new one."""
    assert subject_of("L", "v", "s1", "lse_1") == subject_of("L", "v", "s2", "lse_2")
    assert subject_of("L", "v", "s1", "lse_1") != subject_of("M", "v", "s1", "lse_1")
    assert subject_of("L", None, "s1", "lse_1") == subject_of("L", None, "s1", "lse_2")
    assert subject_of("L", "x", None, "lse_1") != subject_of("L", None, "x", "lse_1")
    assert subject_of("L", None, None, "lse_1") != subject_of("L", None, None, "lse_2")


def test_asking_again_inside_the_lease_gets_it_back(unsplit: Desk) -> None:
    first = unsplit.lease("v", at=0)
    again = unsplit.lease("v", "another_class", at=LEASE_SECONDS - 1)
    assert (again.lease_id, again.e164, again.expires_at) == (first.lease_id, first.e164, first.expires_at)
    assert (first.new, again.new) == (True, False)
    after = unsplit.lease("v", at=LEASE_SECONDS)
    assert after.new
    assert after.lease_id != first.lease_id


def test_the_lease_lasts_as_long_as_the_site_says(unsplit: Desk) -> None:
    held = unsplit.lease("v", at=0, seconds=60)
    assert (held.expires_at - held.leased_at).total_seconds() == 60
    assert unsplit.lease("v", at=59.9, seconds=60).lease_id == held.lease_id
    assert unsplit.lease("v", at=60, seconds=60).new


def test_a_shared_number_stays_held_until_its_last_holder_is_done(unsplit: Desk) -> None:
    for index in range(3):
        unsplit.lease(f"v{index}", at=index)
    shared = unsplit.lease("late", at=1_000)
    assert shared.outcome == "shared"
    # Its first holder's time is over, the second one's is not.
    free = {unsplit.number(f"w{index}", at=LEASE_SECONDS + 10 + index) for index in range(2)}
    assert shared.e164 not in free
    assert unsplit.outcome("other", at=LEASE_SECONDS + 1_000) == (shared.e164, "dynamic")


def test_a_short_lease_does_not_end_another_s_hold(unsplit: Desk) -> None:
    for index in range(3):
        unsplit.lease(f"v{index}")
    shared = unsplit.lease("late", at=1, seconds=60)
    assert unsplit.outcome("later", at=100)[1] == "shared"
    assert unsplit.lease("late", at=100, seconds=60).new
    assert shared.outcome == "shared"


def test_who_had_a_number_first_is_told_that_it_is_shared_by_now(parts: Services, cast: Cast, clock: SetClock) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    assert desk.outcome("v", at=0)[1] == "dynamic"
    assert desk.outcome("v", at=1)[1] == "dynamic"
    desk.lease("short", at=2, seconds=60)
    for rebuilt in (False, True):
        if rebuilt:
            parts.redis.call(lambda client: client.flushall())
            clock.advance(3)
            desk.rebuild()
            clock.advance(-3)
        assert [desk.outcome("v", at=at)[1] for at in (3, 61.999, 62)] == ["shared", "shared", "dynamic"]


def test_a_rebuild_of_a_pool_that_goes_on_knows_who_shares_a_number(parts: Services, cast: Cast) -> None:
    desk = Desk.of_a_new_office(parts, cast, numbers=1)
    desk.lease("v", at=0)
    desk.lease("w", at=1, logged=False)
    create = {"e164": "+79980000000", "office": desk.office_id}
    cast.api.post("/numbers", create)
    assert desk.outcome("v", at=2)[1] == "shared"


def test_a_number_that_is_added_is_leased_at_once(unsplit: Desk, cast: Cast) -> None:
    held = [unsplit.lease(f"v{index}", at=index) for index in range(3)]
    assert unsplit.outcome("full", at=4)[1] == "shared"
    added = cast.api.post("/numbers", {"e164": "+77172692999", "office": unsplit.office_id})
    assert unsplit.outcome("new", at=5) == (added["e164"], "dynamic")
    for index, before in enumerate(held):
        assert unsplit.lease(f"v{index}", at=6).lease_id == before.lease_id


def test_a_retired_number_is_leased_no_more(unsplit: Desk, cast: Cast) -> None:
    held = unsplit.lease("v", at=0)
    cast.api.delete(f"/numbers/{held.number_id}")
    seen = {unsplit.number(f"w{index}", at=1 + index) for index in range(5)}
    assert held.e164 not in seen
    # Nor is it shown again to the visitor who holds it.
    assert unsplit.number("v", at=10) != held.e164


def test_a_number_that_changes_its_class_goes_to_the_other_one(split: Desk, cast: Cast) -> None:
    (organic,) = (e164 for name, e164 in cast.alatau_sales.numbers if name == "organic")
    held = split.lease("v", "organic", at=0)
    assert held.e164 == organic
    cast.api.patch(f"/numbers/{held.number_id}", {"source_class": "social"})
    assert split.outcome("w", "organic", at=1)[0] != organic
    assert split.lease("v", "organic", at=2).lease_id == held.lease_id
    assert split.outcome("x", "social", at=LEASE_SECONDS) == (organic, "dynamic")


def test_more_classes_than_the_pool_has_groups_lose_no_number(parts: Services, cast: Cast) -> None:
    """Beyond the sixteenth class numbers join the last group: fewer distinctions, no lost number."""
    office = cast.api.post("/offices", {"advertiser": cast.alatau["id"], "name": "Many"})["id"]
    made = set()
    for index in range(20):
        body = {"e164": f"+77172699{index:03d}", "office": office, "source_class": f"class_{index:02d}"}
        made.add(cast.api.post("/numbers", body)["e164"])
    desk = Desk(parts, cast, office)
    assert {desk.number(f"v{index}", f"class_{index:02d}", at=index) for index in range(20)} == made


def test_a_lease_that_was_taken_back_was_never_there(unsplit: Desk) -> None:
    held = unsplit.lease("v", at=0)
    unsplit.take_back(held)
    after = unsplit.lease("v", at=1)
    assert after.new
    others = {unsplit.number(f"w{index}", at=2 + index) for index in range(2)}
    assert len(others | {after.e164}) == 3, "the number is free again"


def test_taking_back_a_borrowed_number_returns_it_to_its_own_class(split: Desk, cast: Cast) -> None:
    (organic,) = (e164 for name, e164 in cast.alatau_sales.numbers if name == "organic")
    for index in range(2):
        split.lease(f"p{index}", "paid_search", at=index)
    split.lease("u", "social", at=3)
    borrowed = split.lease("v", "paid_search", at=4)
    assert (borrowed.e164, borrowed.outcome) == (organic, "borrowed")
    split.take_back(borrowed)
    assert split.outcome("w", "organic", at=5) == (organic, "dynamic")


def test_taking_back_a_shared_lease_leaves_the_number_to_its_holder(unsplit: Desk) -> None:
    first = unsplit.lease("v0", at=0)
    for index in (1, 2):
        unsplit.lease(f"v{index}", at=index)
    shared = unsplit.lease("late", at=3)
    unsplit.take_back(shared)
    assert unsplit.lease("v0", at=4).lease_id == first.lease_id
    assert unsplit.outcome("more", at=5)[1] == "shared"


def test_another_lease_of_the_same_subject_is_not_taken_back(unsplit: Desk) -> None:
    old = unsplit.lease("v", at=0)
    present = unsplit.lease("v", at=LEASE_SECONDS)
    unsplit.take_back(old)
    assert unsplit.lease("v", at=LEASE_SECONDS + 1).lease_id == present.lease_id


def test_what_a_lost_pool_gave_is_not_taken_back_from_the_next_one(unsplit: Desk, parts: Services, cast: Cast) -> None:
    """There the number may be somebody else's, until the very same moment."""
    unwritten = unsplit.lease("v", logged=False)
    stamp = f"callease:{{{unsplit.office_id}}}:stamp"
    run_id, _, rest = parts.redis.call(lambda client: client.get(stamp)).partition(":")
    parts.redis.call(lambda client: client.set(stamp, f"{run_id[::-1]}:{rest}"))
    other = Desk(parts, cast, unsplit.office_id)
    held = other.lease("w")
    assert (held.e164, held.expires_at) == (unwritten.e164, unwritten.expires_at)
    unsplit.take_back(unwritten)
    assert held.e164 not in {other.number(f"x{index}", at=1 + index) for index in range(2)}


def test_two_processes_share_one_pool(unsplit: Desk, parts: Services, cast: Cast) -> None:
    other = Desk(parts, cast, unsplit.office_id)
    seen = {desk.number(f"v{index}", at=index) for index, desk in enumerate([unsplit, other, unsplit])}
    assert len(seen) == 3
    assert other.number("v0", at=4) == unsplit.number("v0", at=5)


class Log(SqlLeaseLog):
    """What a process sees that reads the log while somebody changes the office: each look is `changed` in turn."""

    def __init__(self, parts: Services, *changed: Callable[[PoolFacts], PoolFacts]) -> None:
        super().__init__(parts.database)
        self._changed = list(changed)

    def pool_of(self, office_id: str, now: datetime) -> PoolFacts:
        facts = super().pool_of(office_id, now)
        return self._changed.pop(0)(facts) if self._changed else facts


def version_before(facts: PoolFacts) -> PoolFacts:
    return replace(facts, version=facts.version - 1)


def all_before(facts: PoolFacts) -> PoolFacts:
    return replace(version_before(facts), numbers=[each for each in facts.numbers if each.e164 != ADDED])


def process(parts: Services, cast: Cast, log: Log, office_id: str) -> Desk:
    desk = Desk(parts, cast, office_id)
    desk.pool = NumberPool(log, parts.redis, parts.rows.write_after, parts.clock)
    return desk


def test_a_number_that_the_plan_does_not_know_yet_is_planned_with(unsplit: Desk, parts: Services, cast: Cast) -> None:
    """Two processes read the log while it is added: one of them the version before that and the numbers after it."""
    office = unsplit.office_id
    cast.api.post("/numbers", {"e164": ADDED, "office": office})
    process(parts, cast, Log(parts, version_before), office).rebuild_here()
    desk = process(parts, cast, Log(parts, all_before), office)
    held = [desk.pool.lease(replace(desk.request(f"v{at}", at=at), pool_version=0), no_rows) for at in range(4)]
    assert len({each.number_id for each in held}) == 4


def test_a_process_that_lags_behind_does_not_undo_what_another_knows(
    unsplit: Desk, parts: Services, cast: Cast
) -> None:
    office, stamp = unsplit.office_id, f"callease:{{{unsplit.office_id}}}:stamp"
    cast.api.post("/numbers", {"e164": ADDED, "office": office})
    unsplit.lease("v")
    written = parts.redis.call(lambda client: client.get(stamp))
    process(parts, cast, Log(parts, all_before), office).rebuild_here()
    assert parts.redis.call(lambda client: client.get(stamp)) == written


def test_a_database_that_was_restored_has_the_last_word(unsplit: Desk, parts: Services, cast: Cast) -> None:
    unsplit.lease("v")
    with parts.database.transaction() as session:
        session.get_one(Office, unsplit.office_id).pool_version -= 1
    assert Desk(parts, cast, unsplit.office_id).lease("w").new


def test_an_emptied_redis_is_filled_again_from_the_log(split: Desk, parts: Services) -> None:
    held = [split.lease(f"v{index}", "paid_search", at=index) for index in range(3)]
    outcomes = {each.e164: each.outcome for each in held}
    parts.redis.call(lambda client: client.flushall())
    for index, before in enumerate(held):
        again = split.lease(f"v{index}", "paid_search", at=10)
        assert (again.lease_id, again.e164, again.outcome) == (before.lease_id, before.e164, outcomes[before.e164])
        assert not again.new
    assert split.number("w", "paid_search", at=11) not in outcomes


def test_the_log_s_order_of_coldness_survives_an_emptied_redis(unsplit: Desk, parts: Services, clock: SetClock) -> None:
    held = [unsplit.lease(f"v{index}", at=index) for index in range(3)]
    clock.advance(2 * LEASE_SECONDS)
    parts.redis.call(lambda client: client.flushall())
    later = [unsplit.number(f"w{index}", at=2 * LEASE_SECONDS + index) for index in range(3)]
    assert later == [each.e164 for each in held]


def test_a_lease_whose_rows_cannot_be_written_is_taken_back(unsplit: Desk) -> None:
    def no_database(_held: Held) -> Sequence[Row]:
        raise Unavailable("database")

    for index in range(2):
        unsplit.lease(f"v{index}", at=index)
    before = unsplit.warmth()
    with pytest.raises(Unavailable):
        unsplit.pool.lease(unsplit.request("lost", at=2), no_database)
    assert unsplit.warmth() == before
    assert unsplit.outcome("next", at=3)[1] == "dynamic", "the third number is free again"
