"""The order of evidence, and what must hold whatever the evidence is."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.attribution.resolver import LeaseFacts, Memory, Question, Resolution, resolve

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
OWNER = "off_owner"
# Candidates are stated to four digits each, so five of them may add up to a little more than their exact sum.
ROUNDING = 5 * 0.00005


def lease(id: str = "lse_a", age: float = 60, **facts: object) -> LeaseFacts:
    known = {"office_id": OWNER, "site_id": "sit_1", "listing_id": "lst_1", "visitor": f"visitor of {id}"}
    known |= {"source_class": "paid_search", **facts}
    return LeaseFacts(id=id, leased_at=NOW - timedelta(seconds=age), **known)  # type: ignore[arg-type]


def memory(days: float = 3, **facts: object) -> Memory:
    known: dict[str, object] = {"office_id": OWNER, "lease_id": "lse_old", "visitor": None, "source_class": "social"}
    known |= {"source_confidence": 0.9, "session_confidence": 0.8, "at": NOW - timedelta(days=days), **facts}
    return Memory(**known)  # type: ignore[arg-type]


def question(*leases: LeaseFacts, **known: object) -> Question:
    facts: dict[str, object] = {"number_class": None, "caller_known": True, **known}
    return Question(NOW, OWNER, NOW - timedelta(days=365), leases=leases, **facts)  # type: ignore[arg-type]


def keys(resolution: Resolution) -> list[str]:
    return [step.key for step in resolution.steps]


class TestOrderOfEvidence:
    """One question with every kind of evidence, each for another lease; taken away one by one from the strongest."""

    dialled = lease("lse_code", age=5_000)
    remembered = lease("lse_old", age=4_000, source_class="social")
    visitors_own = lease("lse_visitor", age=3_000, visitor="known visitor", source_class="email")
    tapped = lease("lse_tap", age=300, dialled_at=NOW - timedelta(seconds=4), source_class="organic")
    newest = lease("lse_new", age=20, source_class="display")
    spent = lease("lse_spent", age=10, spent=True, source_class="messenger")
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
        on_this_number=memory(lease_id="lse_old", visitor=None),
        as_visitor=memory(visitor="known visitor"),
    )

    def test_a_valid_extension_is_proof(self) -> None:
        found = resolve(self.everything)
        assert (found.method, found.lease_id, found.source_class) == ("extension", "lse_code", "paid_search")
        assert (found.office, found.source, found.session) == (1.0, 1.0, 1.0)

    def test_then_this_caller_on_this_number(self) -> None:
        found = resolve(replace(self.everything, extension=None, digits=None))
        assert (found.method, found.lease_id, found.source_class) == ("caller", "lse_old", "social")
        assert "caller_seen_number" in keys(found)
        assert (found.source, found.session) == (0.9, 0.8)

    def test_then_the_caller_known_as_a_visitor(self) -> None:
        found = resolve(replace(self.everything, extension=None, digits=None, on_this_number=None))
        assert (found.method, found.lease_id, found.source_class) == ("caller", "lse_visitor", "email")
        assert "caller_seen_visitor" in keys(found)

    def test_then_a_tap_seconds_ago(self) -> None:
        found = resolve(replace(self.everything, extension=None, digits=None, on_this_number=None, as_visitor=None))
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

    def test_digits_that_are_no_code_decide_nothing(self) -> None:
        with_digits = resolve(question(lease(), digits="99"))
        assert "extension_unknown" in keys(with_digits)
        assert with_digits.lease_id == resolve(question(lease())).lease_id
        assert with_digits.method == "lease"


class TestCallerMemory:
    def test_a_caller_from_before_the_number_moved_reaches_the_old_office(self) -> None:
        moved = replace(
            question(), owner_since=NOW - timedelta(days=1), on_this_number=memory(5, office_id="off_former")
        )
        found = resolve(moved)
        assert found.office_id == "off_former"
        assert "moved_number" in keys(found)

    def test_a_caller_from_after_the_move_reaches_the_owner(self) -> None:
        found = resolve(
            replace(question(), owner_since=NOW - timedelta(days=9), on_this_number=memory(5, office_id="off_former"))
        )
        assert found.office_id == OWNER

    def test_a_newer_lease_of_the_same_visitor_replaces_the_remembered_one(self) -> None:
        again = lease("lse_today", age=100, visitor="v", source_class="email")
        found = resolve(question(again, on_this_number=memory(visitor="v")))
        assert (found.method, found.lease_id, found.source_class) == ("caller", "lse_today", "email")
        assert found.session < 0.8  # not surer than the memory that it rests on

    def test_a_lease_older_than_the_memory_does_not(self) -> None:
        before = lease("lse_before", age=4 * 86_400, visitor="v")
        assert resolve(question(before, on_this_number=memory(days=3, visitor="v"))).lease_id == "lse_old"

    def test_a_memory_that_was_a_guess_gives_way_to_todays_leases(self) -> None:
        found = resolve(question(lease("lse_today"), on_this_number=memory(session_confidence=0.3, lease_id=None)))
        assert (found.method, found.lease_id) == ("lease", "lse_today")

    def test_it_outlives_the_lease_itself(self) -> None:
        found = resolve(question(on_this_number=memory(lease_id="lse_long_gone")))
        assert (found.lease_id, found.candidates) == ("lse_long_gone", ())


class TestLeases:
    def test_two_visitors_of_one_moment_leave_the_session_unstated_and_the_class_stated(self) -> None:
        found = resolve(question(lease("lse_b"), lease("lse_a")))
        assert found.lease_id is None
        assert found.session == pytest.approx(0.5, abs=0.01)
        assert found.source_class == "paid_search"
        assert found.source > 0.95
        assert found.method == "owner"
        assert "leases_compete" in keys(found)

    def test_rivals_of_different_classes_leave_both_unstated(self) -> None:
        classes = ["paid_search", "organic", "social"]
        found = resolve(question(*(lease(f"lse_{name}", source_class=name) for name in classes)))
        assert (found.lease_id, found.source_class) == (None, None)

    def test_a_fresh_lease_is_believed_more_than_an_old_one(self) -> None:
        ages = [30, 600, 7_200, 86_400, 5 * 86_400]
        sessions = [resolve(question(lease(age=age))).session for age in ages]
        assert sessions == sorted(sessions, reverse=True)
        assert sessions[0] > 0.99

    def test_only_a_code_is_certain(self) -> None:
        assert resolve(question(lease(age=0, dialled_at=NOW))).session <= 0.999

    @pytest.mark.parametrize(("seconds_ago", "counts"), [(-8, True), (0, True), (59, True), (75, False), (-30, False)])
    def test_a_tap_counts_for_a_minute_and_may_be_reported_late(self, seconds_ago: int, counts: bool) -> None:
        tap = lease(age=100, dialled_at=NOW - timedelta(seconds=seconds_ago))
        assert (resolve(question(tap)).method == "dial") is counts

    def test_a_hidden_caller_may_ring_again_because_of_a_spent_lease(self) -> None:
        spent, other = lease("lse_s", spent=True), lease("lse_o", age=61)
        known, hidden = (resolve(question(spent, other, caller_known=is_known)) for is_known in (True, False))
        share = {
            kind: {each.id: p for each, p in found.candidates} for kind, found in (("known", known), ("hidden", hidden))
        }
        assert share["hidden"]["lse_s"] > share["known"].get("lse_s", 0)
        assert "caller_hidden" in keys(hidden)

    @pytest.mark.parametrize(
        ("facts", "step"),
        [({"kind": "shared"}, "lease_shared"), ({"borrowed": True}, "lease_borrowed"), ({"spent": True}, "lease_spent"),
         ({"consented": False}, "no_consent")],
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
        spent=st.booleans(),
        dialled_at=st.none() | st.integers(-20, 90).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    ),
    max_size=8,
    unique_by=lambda each: each.id,
).map(lambda found: sorted(found, key=lambda each: each.leased_at, reverse=True))
_memories = st.none() | st.builds(
    Memory,
    office_id=st.sampled_from([OWNER, "off_former"]),
    lease_id=st.none() | _ids,
    visitor=_visitors,
    source_class=st.none() | _classes,
    source_confidence=_share,
    session_confidence=_share,
    at=_moments,
)
_questions = st.builds(
    Question,
    at=st.just(NOW),
    owner_office_id=st.just(OWNER),
    owner_since=_moments,
    number_class=st.none() | _classes,
    caller_known=st.booleans(),
    leases=_leases,
    on_this_number=_memories,
    as_visitor=_memories,
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
    seen = asked.on_this_number
    expected = OWNER
    if asked.extension:
        expected = "off_extension"
    elif asked.caller_known and seen and seen.at < asked.owner_since:
        expected = seen.office_id
    assert resolve(asked).office_id == expected


@given(_questions)
def test_what_is_less_likely_than_not_is_not_stated(asked: Question) -> None:
    found = resolve(asked)
    assert found.lease_id is None or found.session >= 0.5
    assert found.source_class is None or found.source >= 0.5


@given(_questions)
def test_what_is_likely_and_known_is_stated(asked: Question) -> None:
    found = resolve(replace(asked, on_this_number=None))
    assert (found.lease_id is not None) is (found.session > 0.5) or found.session == 0.5
    assert (found.source_class is not None) is (found.source > 0.5) or found.source == 0.5


@given(_questions)
def test_a_hidden_caller_never_uses_memory(asked: Question) -> None:
    hidden = replace(asked, caller_known=False)
    assert resolve(hidden) == resolve(replace(hidden, on_this_number=None, as_visitor=None))


@given(_questions, st.randoms(use_true_random=False))
def test_the_order_of_the_leases_changes_nothing(asked: Question, chance: random.Random) -> None:
    mixed = list(asked.leases)
    chance.shuffle(mixed)
    assert resolve(replace(asked, leases=mixed)) == resolve(asked)


def _shares(asked: Question) -> dict[str, float]:
    return {each.id: p for each, p in resolve(asked).candidates}


@given(_leases, st.booleans(), _moments)
def test_a_spent_lease_has_no_more_than_an_equal_unspent_one(
    others: list[LeaseFacts], caller_known: bool, leased_at: datetime
) -> None:
    fresh = replace(lease("lse_fresh"), leased_at=leased_at)
    spent = replace(fresh, id="lse_spent", spent=True)
    shares = _shares(question(fresh, spent, *others[:3], caller_known=caller_known))
    assert shares.get("lse_spent", 0) <= shares.get("lse_fresh", 0)


@given(_leases.filter(bool), st.booleans())
def test_spending_a_lease_never_raises_its_own_share(leases: list[LeaseFacts], caller_known: bool) -> None:
    first, *others = leases
    shares = {
        spent: _shares(question(replace(first, spent=spent), *others[:4], caller_known=caller_known))
        for spent in (False, True)
    }
    assert shares[True].get(first.id, 0) <= shares[False].get(first.id, 0)


@given(_leases, st.booleans())
def test_one_more_rival_never_makes_a_lease_surer(leases: list[LeaseFacts], caller_known: bool) -> None:
    mine, rival = lease("lse_mine"), lease("lse_rival", age=90)
    alone = _shares(question(mine, *leases[:3], caller_known=caller_known))
    together = _shares(question(mine, *leases[:3], rival, caller_known=caller_known))
    assert together.get("lse_mine", 0) <= alone.get("lse_mine", 0)


@given(_questions)
def test_without_memory_the_source_is_at_least_as_sure_as_the_session(asked: Question) -> None:
    found = resolve(replace(asked, on_this_number=None, as_visitor=None))
    assert found.source >= found.session
