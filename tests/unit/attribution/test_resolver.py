"""The order of evidence, and what must hold whatever the evidence is."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.attribution.facts import Belief, LeaseFacts, Memory, Question
from callease.attribution.resolver import SESSION_STATED_FROM, SOURCE_STATED_FROM, Resolution
from callease.attribution.resolver import resolve as resolve_with
from callease.numbers.delays import DelayCurves

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
OWNER = "off_owner"
CURVES = DelayCurves()
# Candidates are stated to four digits each, so five of them may add up to a little more than their exact sum.
ROUNDING = 5 * 0.00005


def lease(id: str = "lse_a", age: float = 60, **facts: object) -> LeaseFacts:
    known = {"office_id": OWNER, "site_id": "sit_1", "listing_id": "lst_1", "visitor": f"visitor of {id}"}
    known |= {"source_class": "paid_search", **facts}
    return LeaseFacts(id=id, leased_at=NOW - timedelta(seconds=age), **known)  # type: ignore[arg-type]


def belief(p: float = 0.8, **facts: object) -> Belief:
    known: dict[str, object] = {"lease_id": "lse_old", "visitor": None, "listing_id": "lst_1"}
    return Belief(**{"source_class": "social", **known, **facts, "p": p})  # type: ignore[arg-type]


def memory(days: float = 3, *believed: Belief, **facts: object) -> Memory:
    """A caller who rang `days` ago, probably because of lse_old, after a social advertisement."""
    leases = believed or (belief(),)
    visitors = {each.visitor: each.p for each in leases if each.visitor}
    at = NOW - timedelta(days=days)
    known: dict[str, object] = {"office_id": OWNER, "leases": leases, "unknown": {"social": 0.1}, "visitors": visitors}
    return Memory(**{"first_at": at, "at": at, **known, **facts})  # type: ignore[arg-type]


def resolve(asked: Question) -> Resolution:
    return resolve_with(asked, CURVES)


def question(*leases: LeaseFacts, **known: object) -> Question:
    facts: dict[str, object] = {"number_class": None, "caller_known": True, **known}
    return Question(NOW, OWNER, leases=leases, **facts)  # type: ignore[arg-type]


def keys(resolution: Resolution) -> list[str]:
    return [step.key for step in resolution.steps]


class TestOrderOfEvidence:
    """One question with every kind of evidence, each for another lease; taken away one by one from the strongest."""

    dialled = lease("lse_code", age=5_000)
    remembered = lease("lse_old", age=4_000, source_class="social")
    visitors_own = lease("lse_visitor", age=3_000, visitor="known visitor", source_class="email")
    tapped = lease("lse_tap", age=300, dialled_at=NOW - timedelta(seconds=4), source_class="organic")
    newest = lease("lse_new", age=20, source_class="display")
    spent = lease("lse_spent", age=10, unspent=0.0, source_class="messenger")
    everything = question(
        spent,
        newest,
        tapped,
        visitors_own,
        remembered,
        dialled,
        number_class="referral",
        digits="123",
        extension=dialled,
        on_this_number=memory(0.02),
        anywhere=memory(3, belief(visitor="known visitor")),
    )

    def test_a_valid_extension_is_proof(self) -> None:
        found = resolve(self.everything)
        assert (found.method, found.lease_id, found.source_class) == ("extension", "lse_code", "paid_search")
        assert (found.office, found.source, found.session) == (1.0, 1.0, 1.0)

    def test_whoever_dials_the_same_code_again_calls_again(self) -> None:
        rang = memory(2, belief(1.0, lease_id="lse_code"), unknown={})
        found = resolve(replace(self.everything, on_this_number=rang, anywhere=rang))
        assert (found.lease_id, found.session, found.spent) == ("lse_code", 1.0, ())
        assert (found.memory.first_at, found.again_after) == (rang.first_at, (2 * 86_400, 1.0))
        first = resolve(replace(self.everything, on_this_number=None))
        assert [(each.id, p) for each, p in first.spent] == [("lse_code", 1.0)]
        assert (first.memory.first_at, first.first) == (NOW, 1.0)

    def test_then_this_caller_on_this_number(self) -> None:
        found = resolve(replace(self.everything, extension=None, digits=None))
        assert (found.method, found.lease_id, found.source_class) == ("caller", "lse_old", "social")
        assert "caller_seen_number" in keys(found)
        assert found.source == pytest.approx(0.9, abs=0.01)
        assert found.session == pytest.approx(0.8, abs=0.01)

    def test_then_the_caller_known_as_a_visitor(self) -> None:
        found = resolve(replace(self.everything, extension=None, digits=None, on_this_number=None))
        assert (found.method, found.lease_id, found.source_class) == ("caller", "lse_visitor", "email")
        assert "caller_seen_visitor" in keys(found)

    def test_then_a_tap_seconds_ago(self) -> None:
        found = resolve(replace(self.everything, extension=None, digits=None, on_this_number=None, anywhere=None))
        assert (found.method, found.lease_id, found.source_class) == ("dial", "lse_tap", "organic")
        assert "dial_tap" in keys(found)

    def test_then_the_newest_lease_not_yet_spent(self) -> None:
        found = resolve(question(self.spent, self.newest, number_class="referral"))
        assert (found.method, found.lease_id, found.source_class) == ("lease", "lse_new", "display")
        assert "lease_newest" in keys(found)

    def test_then_owner_and_class_of_the_number(self) -> None:
        found = resolve(question(number_class="referral"))
        assert (found.method, found.office_id) == ("owner", OWNER)
        assert (found.lease_id, found.source_class) == (None, "referral")
        assert (found.office, found.session) == (1.0, 0.0)
        assert 0.5 <= found.source < 1

    def test_then_the_owner_alone(self) -> None:
        found = resolve(question())
        assert (found.method, found.office_id, found.lease_id, found.source_class) == ("owner", OWNER, None, None)
        assert (found.office, found.source, found.session) == (1.0, 0.0, 0.0)


class TestExtension:
    def test_its_office_is_the_calls_even_when_the_number_is_anothers(self) -> None:
        found = resolve(question(digits="17", extension=lease("lse_x", office_id="off_other")))
        assert found.office_id == "off_other"

    def test_a_code_that_another_had_not_long_before_is_no_proof(self) -> None:
        """Only where no number has any code left that has rested."""
        newest, before = lease("lse_new", age=30), lease("lse_old", age=3 * 86_400, source_class="organic")
        found = resolve(question(digits="234", extension=newest, extension_before=(before,)))
        assert (found.method, found.lease_id, found.office) == ("extension", "lse_new", 1.0)
        assert 0.99 < found.session < 1
        assert found.source == found.session
        assert "extension_given_again" in keys(found)

    def test_nor_is_the_office_where_another_office_had_it(self) -> None:
        newest, before = lease("lse_new", age=5 * 86_400), lease("lse_old", age=6 * 86_400, office_id="off_other")
        found = resolve(question(digits="234", extension=newest, extension_before=(before,)))
        assert 0.5 < found.session < 0.9
        assert (found.office, found.source) == (found.session, 1.0)

    def test_digits_that_are_no_code_decide_nothing(self) -> None:
        with_digits = resolve(question(lease(), digits="99"))
        assert "extension_unknown" in keys(with_digits)
        assert with_digits.lease_id == resolve(question(lease())).lease_id
        assert with_digits.method == "lease"


class TestCallerMemory:
    def test_a_newer_lease_of_the_same_visitor_is_the_likelier_reason(self) -> None:
        again = lease("lse_today", age=100, visitor="v", source_class="email")
        seen = memory(3, belief(visitor="v"))
        found = resolve(question(again, on_this_number=seen, anywhere=seen))
        assert (found.method, found.lease_id, found.source_class) == ("caller", "lse_today", "email")

    def test_a_lease_that_is_somebody_elses_is_not(self) -> None:
        found = resolve(question(lease("lse_today", age=100), on_this_number=memory()))
        assert found.lease_id == "lse_old"

    def test_a_lease_older_than_the_memory_is_not(self) -> None:
        seen = memory(3, belief(visitor="v"))
        before = lease("lse_before", age=4 * 86_400, visitor="v")
        assert resolve(question(before, on_this_number=seen, anywhere=seen)).lease_id == "lse_old"

    def test_a_repeat_call_inherits_what_was_open_before(self) -> None:
        two = memory(2, belief(0.5, lease_id="lse_a", source_class="email"), belief(0.4, lease_id="lse_b"))
        found = resolve(question(on_this_number=two))
        assert found.lease_id == "lse_a"
        assert found.session == pytest.approx(0.5, abs=0.01)
        assert found.source == pytest.approx(0.5, abs=0.01)  # email 0.5, social 0.4 + 0.1

    def test_what_was_learnt_since_on_another_number_counts(self) -> None:
        two = memory(2, belief(0.5, lease_id="lse_a", visitor="v1"), belief(0.4, lease_id="lse_b", visitor="v2"))
        since = memory(1, belief(0.95, visitor="v2"))
        assert resolve(question(on_this_number=two, anywhere=since)).lease_id == "lse_b"

    def test_another_browser_since_makes_nobody_forgotten(self) -> None:
        seen = memory(3, belief(0.999, lease_id="lse_a", visitor="telephone"), unknown={})
        for _ in range(3):
            since = replace(memory(1), visitors={"computer": 1.0, "telephone": 1e-15})
            found = resolve(question(on_this_number=seen, anywhere=since))
            assert found.lease_id == "lse_a"
            assert found.session > 0.95
            seen = found.memory

    def test_a_memory_of_nothing_gives_way_to_todays_leases(self) -> None:
        nothing = memory(leases=(), unknown={}, visitors={})
        found = resolve(question(lease("lse_today"), on_this_number=nothing))
        assert (found.method, found.lease_id) == ("caller", "lse_today")

    def test_it_outlives_the_lease_itself(self) -> None:
        found = resolve(question(on_this_number=memory(3, belief(lease_id="lse_long_gone"))))
        assert (found.lease_id, found.candidates) == ("lse_long_gone", ())

    def test_a_call_makes_a_memory_that_the_next_one_rests_on(self) -> None:
        first = resolve(question(lease("lse_a", visitor="v"), lease("lse_b", age=90)))
        later = replace(question(), at=NOW + timedelta(days=1), on_this_number=first.memory, anywhere=first.memory)
        found = resolve(later)
        assert found.lease_id == first.lease_id == "lse_a"
        assert found.session == pytest.approx(first.session, abs=0.01)
        assert found.again_after
        assert found.again_after[0] == 86_400


class TestLeases:
    def test_two_visitors_of_one_moment_share_the_session_and_not_the_class(self) -> None:
        found = resolve(question(lease("lse_b"), lease("lse_a")))
        assert found.session == pytest.approx(0.5, abs=0.01)
        assert found.source_class == "paid_search"
        assert found.source > 0.95
        assert "leases_compete" in keys(found)

    def test_among_too_many_rivals_none_is_stated(self) -> None:
        classes = ["paid_search", "organic", "social", "direct"]
        rivals = [lease(f"lse_{n}", source_class=classes[n % 4]) for n in range(12)]
        found = resolve(question(*rivals))
        assert (found.method, found.lease_id, found.source_class) == ("owner", None, None)
        assert found.session == pytest.approx(1 / 12, abs=0.01)
        assert found.source == pytest.approx(1 / 4, abs=0.01)

    def test_two_leases_of_one_visitor_and_listing_are_one_session(self) -> None:
        own = [lease(f"lse_{n}", visitor="v", age=60 + n) for n in range(2)]
        assert resolve(question(*own)).session > 0.99

    def test_a_fresh_lease_is_believed_more_than_an_old_one(self) -> None:
        ages = [30, 600, 7_200, 86_400, 5 * 86_400, 90 * 86_400]
        sessions = [resolve(question(lease(age=age))).session for age in ages]
        assert sessions == sorted(sessions, reverse=True)
        assert sessions[0] > 0.99

    def test_only_a_code_is_certain(self) -> None:
        assert resolve(question(lease(age=0, dialled_at=NOW))).session <= 0.9995

    @pytest.mark.parametrize(("seconds_ago", "counts"), [(-8, True), (0, True), (59, True), (75, False), (-30, False)])
    def test_a_tap_counts_for_a_minute_and_may_be_reported_late(self, seconds_ago: int, counts: bool) -> None:
        tap = lease(age=100, dialled_at=NOW - timedelta(seconds=seconds_ago))
        assert (resolve(question(tap)).method == "dial") is counts

    def test_asking_again_makes_a_lease_young(self) -> None:
        mine, other = lease("lse_mine", age=5_000), lease("lse_other", age=4_000)
        assert resolve(question(other, mine)).lease_id == "lse_other"
        assert resolve(question(other, replace(mine, asked_at=NOW - timedelta(seconds=90)))).lease_id == "lse_mine"

    def test_a_lease_whose_visitor_has_another_phone_gives_way(self) -> None:
        known, other = lease("lse_known", known=0.999), lease("lse_other", age=4_000)
        assert resolve(question(known, other)).lease_id == "lse_other"

    def test_a_hidden_caller_may_ring_again_because_of_a_spent_lease(self) -> None:
        spent = lease("lse_s", age=4_000, unspent=0.01, hidden=0.99, hidden_at=NOW - timedelta(seconds=3_000))
        other = lease("lse_o", age=4_060)
        known, hidden = (resolve(question(spent, other, caller_known=is_known)) for is_known in (True, False))
        assert known.lease_id == "lse_o"
        assert hidden.lease_id == "lse_s"
        assert "caller_hidden" in keys(hidden)

    @pytest.mark.parametrize(
        ("facts", "step"),
        [({"kind": "shared"}, "lease_shared"), ({"borrowed": True}, "lease_borrowed"),
         ({"unspent": 0.2}, "lease_spent"), ({"consented": False}, "no_consent")],
    )  # fmt: skip
    def test_what_weakens_a_lease_is_said(self, facts: dict[str, object], step: str) -> None:
        assert step in keys(resolve(question(lease(**facts))))


# Whatever the evidence is

_ids = st.sampled_from([f"lse_{n}" for n in range(8)])
_classes = st.sampled_from(["paid_search", "organic", "social", "direct"])
_visitors = st.none() | st.sampled_from(["v1", "v2", "v3"])
_share = st.floats(0, 1)
_moments = st.integers(0, 20 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds))
_leases = st.lists(
    st.builds(
        LeaseFacts,
        id=_ids,
        office_id=st.sampled_from([OWNER, "off_former"]),
        site_id=st.just("sit_1"),
        listing_id=st.none() | st.just("lst_1"),
        visitor=_visitors,
        source_class=_classes,
        leased_at=_moments,
        kind=st.sampled_from(["dynamic", "shared"]),
        borrowed=st.booleans(),
        consented=st.booleans(),
        unspent=_share,
        hidden=_share,
        hidden_at=st.none() | _moments,
        known=_share,
        asked_at=st.none() | _moments,
        dialled_at=st.none() | st.integers(-20, 90).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    ),
    max_size=8,
    unique_by=lambda each: each.id,
).map(lambda found: sorted(found, key=lambda each: each.leased_at, reverse=True))


@st.composite
def _some_memory(draw: st.DrawFn) -> Memory:
    shares = draw(st.lists(st.floats(0.01, 1), min_size=0, max_size=4))
    whole = sum(shares) + draw(st.floats(0.01, 1))
    leases = tuple(belief(p / whole, lease_id=draw(_ids), visitor=draw(_visitors)) for p in shares)
    visitors: dict[str, float] = {}
    for each in leases:
        if each.visitor:
            visitors[each.visitor] = visitors.get(each.visitor, 0.0) + each.p
    at, first_at = sorted([draw(_moments), draw(_moments)], reverse=True)
    unknown = draw(st.dictionaries(_classes, st.floats(0.01, 0.2), max_size=2))
    return Memory(draw(st.sampled_from([OWNER, "off_former"])), first_at, at, leases, unknown, visitors)


_memories = st.none() | _some_memory()
_questions = st.builds(
    Question,
    at=st.just(NOW),
    owner_office_id=st.just(OWNER),
    number_class=st.none() | _classes,
    caller_known=st.booleans(),
    leases=_leases,
    on_this_number=_memories,
    anywhere=_memories,
    digits=st.none() | st.just("42"),
    extension=st.none() | st.just(lease("lse_code", office_id="off_extension")),
)


@given(_questions)
def test_confidences_are_probabilities(asked: Question) -> None:
    found = resolve(asked)
    assert found.office == 1.0
    assert 0 <= found.source <= 1
    assert 0 <= found.session <= 1
    assert all(0 <= p <= 1 for _, p in found.candidates)
    assert sum(p for _, p in found.candidates) <= 1 + ROUNDING


@given(_questions)
def test_candidates_come_most_likely_first(asked: Question) -> None:
    shares = [p for _, p in resolve(asked).candidates]
    assert shares == sorted(shares, reverse=True)


@given(_questions)
def test_the_office_is_never_guessed(asked: Question) -> None:
    assert resolve(asked).office_id == ("off_extension" if asked.extension else OWNER)


@given(_questions)
def test_what_is_too_unlikely_is_not_stated_and_what_is_likely_is(asked: Question) -> None:
    found = resolve(replace(asked, on_this_number=None))
    assert (found.lease_id is not None) is (found.session >= SESSION_STATED_FROM)
    assert (found.source_class is not None) is (found.source >= SOURCE_STATED_FROM)


@given(_questions)
def test_a_hidden_caller_never_uses_memory(asked: Question) -> None:
    hidden = replace(asked, caller_known=False)
    assert resolve(hidden) == resolve(replace(hidden, on_this_number=None, anywhere=None))


@given(_questions, st.randoms(use_true_random=False))
def test_the_order_of_the_leases_changes_nothing(asked: Question, chance: random.Random) -> None:
    mixed = list(asked.leases)
    chance.shuffle(mixed)
    assert _said(replace(asked, leases=mixed)) == _said(asked)


def _said(asked: Question) -> tuple[object, ...]:
    found = resolve(asked)
    return found.method, found.lease_id, found.source_class, found.source, found.session, found.candidates


def _shares(asked: Question) -> dict[str, float]:
    return {each.id: p for each, p in resolve(asked).candidates}


@given(_leases, _moments, st.floats(0, 1))
def test_a_spent_lease_has_no_more_than_an_equal_unspent_one(
    others: list[LeaseFacts], leased_at: datetime, unspent: float
) -> None:
    fresh = replace(lease("lse_fresh"), leased_at=leased_at)
    spent = replace(fresh, id="lse_spent", unspent=unspent)
    shares = _shares(question(fresh, spent, *others[:3]))
    assert shares.get("lse_spent", 0) <= shares.get("lse_fresh", 0)


@given(_leases, st.booleans())
def test_one_more_rival_never_makes_a_lease_surer(leases: list[LeaseFacts], caller_known: bool) -> None:
    mine, rival = lease("lse_mine"), lease("lse_rival", age=90)
    alone = _shares(question(mine, *leases[:3], caller_known=caller_known))
    together = _shares(question(mine, *leases[:3], rival, caller_known=caller_known))
    assert together.get("lse_mine", 0) <= alone.get("lse_mine", 0)


@given(_questions)
def test_the_source_is_at_least_as_sure_as_any_lease(asked: Question) -> None:
    found = resolve(asked)
    assert all(p <= found.source for _, p in found.candidates)


@given(_questions)
def test_what_a_call_spends_and_what_it_leaves_to_believe_are_probabilities(asked: Question) -> None:
    found = resolve(asked)
    assert sum(p for _, p in found.spent) <= 1 + 1e-9
    memory_ = found.memory
    believed = sum(each.p for each in memory_.leases) + sum(memory_.unknown.values())
    assert believed <= 1 + 1e-9
    assert sum(memory_.visitors.values()) <= 1 + 1e-9
    assert memory_.first_at <= memory_.at == asked.at
