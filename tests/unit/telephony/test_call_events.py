"""Events of one call, twice, late and in every order."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.clock import rfc3339
from callease.telephony.events import CallEvent, CallEventType, CallFacts, Disposition, fold

RINGING, ANSWERED, ENDED, RECORDED = CallEventType
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
CALLER, TO = "+77011234567", "+77172690001"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(type_: CallEventType, seconds: float, **facts: object) -> CallEvent:
    return CallEvent("c1", type_, at(seconds), TO, **{"caller": CALLER, **facts})  # type: ignore[arg-type]


WHOLE = [
    event(RINGING, 0),
    event(ANSWERED, 7, answered_by="+77172555555"),
    event(ENDED, 102, disposition=Disposition.ANSWERED, wait=7, talk=95, duration=102),
    event(RECORDED, 110, recording_url="https://pbx.example.kz/r/1"),
]
WHOLE_CALL = CallFacts(
    caller=CALLER,
    started_at=at(0),
    answered_at=at(7),
    ended_at=at(102),
    wait=7,
    talk=95,
    duration=102,
    disposition=Disposition.ANSWERED,
    destination="+77172555555",
    recording_url="https://pbx.example.kz/r/1",
)


def test_a_whole_call() -> None:
    assert fold(WHOLE) == WHOLE_CALL


@given(st.lists(st.sampled_from(WHOLE), max_size=8), st.randoms(use_true_random=False))
def test_a_whole_call_in_any_order_and_number(repeated: list[CallEvent], chance: random.Random) -> None:
    events = WHOLE + repeated
    chance.shuffle(events)
    assert fold(events) == WHOLE_CALL


class TestPartsOfACall:
    """What is missing is worked out from what is there, and unknown otherwise."""

    def test_it_rings(self) -> None:
        facts = fold(WHOLE[:1])
        assert (facts.started_at, facts.ended_at, facts.disposition) == (at(0), None, None)
        assert (facts.wait, facts.talk, facts.duration) == (None, None, None)

    def test_it_is_being_answered(self) -> None:
        facts = fold(WHOLE[:2])
        assert (facts.answered_at, facts.wait, facts.disposition) == (at(7), 7, None)

    def test_only_its_end(self) -> None:
        facts = fold(WHOLE[2:3])
        assert (facts.started_at, facts.answered_at, facts.ended_at) == (at(0), at(7), at(102))
        assert facts.disposition is Disposition.ANSWERED

    def test_only_its_recording(self) -> None:
        facts = fold(WHOLE[3:])
        assert (facts.started_at, facts.disposition, facts.recording_url) == (at(110), None, WHOLE[3].recording_url)

    def test_only_the_question(self) -> None:
        facts = fold([], routed_at=at(0), caller=CALLER)
        assert (facts.started_at, facts.caller, facts.disposition) == (at(0), CALLER, None)

    def test_the_end_does_not_say_how(self) -> None:
        assert fold([event(RINGING, 0), event(ENDED, 30)]).disposition is Disposition.MISSED
        assert fold([event(RINGING, 0), event(ANSWERED, 5), event(ENDED, 30)]).disposition is Disposition.ANSWERED

    def test_durations_are_measured_where_they_are_not_stated(self) -> None:
        facts = fold([event(RINGING, 0), event(ANSWERED, 5), event(ENDED, 30)])
        assert (facts.wait, facts.talk, facts.duration) == (5, 25, 30)

    @pytest.mark.parametrize("disposition", [each for each in Disposition if each is not Disposition.ANSWERED])
    def test_nobody_talks_in_a_call_that_was_not_answered(self, disposition: Disposition) -> None:
        facts = fold([event(RINGING, 0), event(ENDED, 30, disposition=disposition)])
        assert (facts.disposition, facts.answered_at, facts.talk, facts.wait) == (disposition, None, 0, 30)

    def test_a_hidden_caller_stays_hidden(self) -> None:
        assert fold([event(RINGING, 0, caller=None), event(ENDED, 30, caller=None)]).caller is None

    def test_a_caller_is_known_from_any_event(self) -> None:
        assert fold([event(RINGING, 0, caller=None), event(ENDED, 30)]).caller == CALLER

    def test_digits_are_known_from_any_event_and_from_the_question(self) -> None:
        assert fold(WHOLE).digits is None
        assert fold(WHOLE, digits="234").digits == "234"
        assert fold([replace(WHOLE[0], digits="345"), *WHOLE[1:]], digits="234").digits == "345"

    def test_a_repetition_with_a_later_time_moves_nothing_back(self) -> None:
        facts = fold([*WHOLE, replace(WHOLE[2], at=at(500)), replace(WHOLE[0], at=at(300))])
        assert (facts.started_at, facts.ended_at, facts.duration) == (at(0), at(102), 102)


class TestFingerprint:
    def test_it_is_of_the_content(self) -> None:
        assert WHOLE[0].fingerprint() == replace(WHOLE[0]).fingerprint()
        assert len({each.fingerprint() for each in WHOLE}) == len(WHOLE)

    def test_the_same_moment_in_another_zone_is_the_same(self) -> None:
        from datetime import timezone

        there = replace(WHOLE[0], at=WHOLE[0].at.astimezone(timezone(timedelta(hours=5))))
        assert there.fingerprint() == WHOLE[0].fingerprint()

    def test_of_an_event_without_digits_it_is_as_before_there_were_any(self) -> None:
        """Else a message that comes once more after an update would count twice."""
        content = {name: value for name, value in asdict(WHOLE[0]).items() if name != "digits"}
        text = json.dumps({**content, "at": rfc3339(WHOLE[0].at)}, sort_keys=True)
        assert WHOLE[0].fingerprint() == hashlib.sha256(text.encode()).hexdigest()[:40]
        assert replace(WHOLE[0], digits="234").fingerprint() != WHOLE[0].fingerprint()

    @given(st.integers(1, 10_000))
    def test_every_fact_counts(self, number: int) -> None:
        changed = [
            replace(WHOLE[2], talk=95 + number),
            replace(WHOLE[2], at=at(102 + number)),
            replace(WHOLE[2], caller=None),
            replace(WHOLE[2], disposition=Disposition.BUSY),
        ]
        assert len({each.fingerprint() for each in [WHOLE[2], *changed]}) == 5


_seconds = st.none() | st.integers(0, 300)
_events = st.lists(
    st.builds(
        CallEvent,
        provider_call_id=st.just("c1"),
        type=st.sampled_from(CallEventType),
        at=st.integers(0, 600).map(at),
        dialled=st.none() | st.just(TO),
        caller=st.none() | st.sampled_from([CALLER, "+77017654321"]),
        disposition=st.none() | st.sampled_from(Disposition),
        wait=_seconds,
        talk=_seconds,
        duration=_seconds,
        answered_by=st.none() | st.sampled_from(["+77172555555", "101"]),
        recording_url=st.none() | st.sampled_from(["https://a.example/1", "https://a.example/2"]),
    ),
    min_size=1,
    max_size=8,
)


@given(_events, st.randoms(use_true_random=False), st.none() | st.integers(0, 600).map(at))
def test_any_events_in_any_order(events: list[CallEvent], chance: random.Random, routed_at: datetime | None) -> None:
    mixed = list(events)
    chance.shuffle(mixed)
    assert fold(mixed, routed_at) == fold(events, routed_at)


@given(_events, st.randoms(use_true_random=False), st.integers(0, 8))
def test_any_events_repeated(events: list[CallEvent], chance: random.Random, times: int) -> None:
    assert fold([*events, *(chance.choice(events) for _ in range(times))]) == fold(events)


@given(_events)
def test_durations_are_never_negative_and_a_call_does_not_end_without_an_end(events: Sequence[CallEvent]) -> None:
    facts = fold(events)
    assert all(value is None or value >= 0 for value in (facts.wait, facts.talk, facts.duration))
    assert (facts.ended_at is not None) is any(each.type is ENDED for each in events)
    assert facts.disposition is None or facts.ended_at is not None
