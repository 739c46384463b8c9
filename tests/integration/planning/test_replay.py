"""The engine on a virtual clock: what it says of a call follows from what came before that call, and is right."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callease.base.embedded_redis import EmbeddedRedis
from callease.cli.main import main
from callease.planning.replay import Setup, replay
from callease.planning.traffic import Traffic

CLASSES = ["organic", "paid_search", "social"]
Event = Mapping[str, Any]


def reveal(t: float, id: int, visitor: str, office: str = "o1", listing: str = "l1", source: str = "organic") -> Event:
    of = {"visitor": visitor, "office": office, "listing": listing, "class": source}
    return {"t": t, "kind": "reveal", "id": id, **of}


def call(t: float, of: int, caller: str | None) -> Event:
    return {"t": t, "kind": "call", "of": of, "caller": caller}


def setup(numbers: int, offices: int = 2) -> Setup:
    listed = [{"id": f"o{n + 1}", "weight": 1 / (n + 1), "listings": []} for n in range(offices)]
    return Setup.read({"classes": CLASSES, "offices": listed, "numbers": numbers})


def decide(
    events: Sequence[Event], numbers: int = 6, offices: int = 2, objective: str = "both"
) -> list[dict[str, Any]]:
    return list(replay(setup(numbers, offices), objective, events))


def test_a_call_soon_after_a_reveal_is_that_reveals() -> None:
    (said,) = decide([reveal(0, 7, "v1", source="social"), call(60, 7, "c1")])
    assert (said["of"], said["office"], said["class"], said["reveal"]) == (7, "o1", "social", 7)
    assert said["confidence"]["office"] == 1.0
    assert said["confidence"]["session"] > 0.9


def test_visitors_of_one_office_get_numbers_of_their_own_while_there_are_some() -> None:
    events = [reveal(n, n, f"v{n}", source=CLASSES[n]) for n in range(3)]
    said = decide([*events, *(call(60 + n, n, f"c{n}") for n in range(3))], numbers=4, offices=1)
    assert [each["reveal"] for each in said] == [0, 1, 2]
    assert len({each["number"] for each in said}) == 3


def test_time_may_begin_before_0() -> None:
    events = [reveal(-500_000 + n, n, f"v{n}", source=CLASSES[n]) for n in range(3)]
    said = decide([*events, *(call(-499_900 + n, n, f"c{n}") for n in range(3))], numbers=4, offices=1)
    assert [each["reveal"] for each in said] == [0, 1, 2]


def test_a_repeat_call_is_the_first_ones_however_late() -> None:
    events = [reveal(0, 1, "v1", source="social"), call(60, 1, "c1")]
    others = [reveal(10_000 * n, 10 + n, f"w{n}") for n in range(1, 9)]
    said = decide([*events, *others, call(90_000, 1, "c1")], numbers=1, offices=1)
    assert (said[-1]["reveal"], said[-1]["class"]) == (1, "social")


def test_the_same_visitor_and_listing_keep_their_number() -> None:
    events = [reveal(0, 1, "v1"), reveal(1_700, 2, "v1"), call(1_760, 2, "c1"), call(1_761, 1, "c2")]
    first, second = decide(events)
    assert first["number"] == second["number"]


def test_a_number_is_one_office_s() -> None:
    chance = random.Random(3)
    events: list[Event] = []
    for n in range(200):
        events.append(reveal(300.0 * n, n, f"v{n}", f"o{chance.randint(1, 4)}", source=chance.choice(CLASSES)))
        events.append(call(300.0 * n + 60, n, f"c{n}"))
    owners: dict[str, set[str]] = {}
    for said in decide(events, numbers=7, offices=4):
        owners.setdefault(said["number"], set()).add(said["office"])
    assert all(len(offices) == 1 for offices in owners.values())
    assert {*map(len, owners.values())} == {1}
    assert {office for offices in owners.values() for office in offices} == {"o1", "o2", "o3", "o4"}


def test_small_offices_have_a_number_a_class_after_the_large_ones_have_grown() -> None:
    """Ten numbers an office: whose classes come late must not find that others took them all."""
    traffic = Traffic(reveals_a_day=200, offices=20, classes=4, days=12, seed=104)
    begins = 13 * 86_400
    late = [
        reveal(begins + 60 * k, 10 * n + k, f"late {n} {k}", office, f"{office}-l1", source)
        for n, office in enumerate(traffic.office_ids)
        for k, source in enumerate(traffic.class_names)
    ]
    calls = [call(each["t"] + 60, each["id"], None) for each in late]
    events = [*traffic.events(), *sorted([*late, *calls], key=lambda each: float(each["t"]))]
    said = list(replay(Setup.read(traffic.numbers_file(206)), "source", events))[-len(late) :]
    given = {(each["office"], each["number"]) for each in said}
    assert Counter(office for office, _ in given) == dict.fromkeys(traffic.office_ids, 4)


def test_without_a_number_there_is_nothing_to_say() -> None:
    (said,) = decide([reveal(0, 7, "v1"), call(60, 7, "c1")], numbers=0)
    assert (said["number"], said["office"], said["class"], said["reveal"]) == (None, None, None, None)
    assert set(said["confidence"].values()) == {0.0}


def test_a_redis_that_dies_under_it_is_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Nobody may look for it at CALLEASE_REDIS_URL."""
    started: list[EmbeddedRedis] = []

    class Noted(EmbeddedRedis):
        def start(self) -> None:
            super().start()
            started.append(self)

    def checked(*_: object) -> Iterator[Event]:
        yield reveal(0, 1, "v1")
        started[0].stop()
        yield reveal(10, 2, "v2")

    monkeypatch.setattr("callease.planning.replay.EmbeddedRedis", Noted)
    monkeypatch.setattr("callease.cli.simulate.checked", checked)
    events, numbers = tmp_path / "events.jsonl", tmp_path / "numbers.json"
    events.touch()
    numbers.write_text(json.dumps({"classes": CLASSES, "offices": [{"id": "o1"}], "numbers": 1}), encoding="utf-8")
    assert main(["simulate", "--replay", str(events), "--numbers", str(numbers), "--out", "-"]) == 1
    said = capsys.readouterr().err
    assert "started for a replay has ended" in said
    assert "CALLEASE_REDIS_URL" not in said


_events = st.lists(
    st.tuples(
        st.integers(1, 40_000), st.sampled_from(["v1", "v2", "v3", "v4"]), st.sampled_from(["o1", "o2", "o3"]),
        st.sampled_from(CLASSES), st.booleans(), st.none() | st.sampled_from(["c1", "c2", "c3"]),
    ),
    min_size=2,
    max_size=25,
)  # fmt: skip
_calm = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def _stream(drawn: Sequence[tuple[Any, ...]]) -> list[Event]:
    events: list[Event] = []
    t, revealed = 0.0, 0
    for pause, visitor, office, source, calls, caller in drawn:
        t += pause
        if calls and revealed:
            events.append(call(t, pause % revealed, caller))
        else:
            events.append(reveal(t, revealed, visitor, office, source=source))
            revealed += 1
    return events


@given(_events)
@_calm
def test_what_comes_later_changes_nothing_that_was_said(drawn: Sequence[tuple[Any, ...]]) -> None:
    events = _stream(drawn)
    whole = decide(events, numbers=5, offices=3)
    half = events[: len(events) // 2]
    assert decide(half, numbers=5, offices=3) == whole[: sum(event["kind"] == "call" for event in half)]


@given(_events)
@_calm
def test_which_reveal_was_meant_changes_nothing_while_the_number_is_the_same(drawn: Sequence[tuple[Any, ...]]) -> None:
    """`of` is the replayer's telephone: the resolver hears the number, the caller and the time."""
    events = _stream(drawn)
    said = decide(events, numbers=3, offices=3)
    number_of = _shown(events, numbers=3)
    others: list[Event] = []
    for event in events:
        if event["kind"] == "call":
            seen = [each["id"] for each in others if each["kind"] == "reveal"]
            same = [id_ for id_ in seen if number_of[id_] == number_of[event["of"]]]
            event = {**event, "of": same[0]}
        others.append(event)
    without = [{key: value for key, value in each.items() if key != "of"} for each in said]
    assert [{k: v for k, v in each.items() if k != "of"} for each in decide(others, numbers=3, offices=3)] == without


def _shown(events: Sequence[Event], numbers: int) -> dict[int, str]:
    """The number of each reveal, asked for by a call after everything."""
    reveals = [event["id"] for event in events if event["kind"] == "reveal"]
    asked = [call(events[-1]["t"] + 1, id_, None) for id_ in reveals]
    said = decide([*events, *asked], numbers=numbers, offices=3)[-len(asked) :]
    return {id_: each["number"] for id_, each in zip(reveals, said, strict=True)}


@given(_events, st.sampled_from(["source", "session", "both"]))
@_calm
def test_the_office_is_right_and_confidences_are_probabilities(
    drawn: Sequence[tuple[Any, ...]], objective: str
) -> None:
    events = _stream(drawn)
    office_of = {event["id"]: event["office"] for event in events if event["kind"] == "reveal"}
    for said in decide(events, numbers=4, offices=3, objective=objective):
        assert said["office"] == office_of[said["of"]]
        assert all(0 <= p <= 1 for p in said["confidence"].values())
        assert said["reveal"] is None or said["reveal"] in office_of


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ([], "is not an object"),
        ({"classes": "a", "offices": [{"id": "o1"}], "numbers": 1}, "classes"),
        ({"classes": [], "offices": [], "numbers": 1}, "offices"),
        ({"classes": [], "offices": [{"name": "o1"}], "numbers": 1}, "id"),
        ({"classes": [], "offices": [{"id": "o1"}], "numbers": -1}, "numbers"),
        ({"classes": [], "offices": [{"id": "o1"}], "numbers": True}, "numbers"),
        ({"classes": [], "offices": [{"id": "o1"}], "numbers": 1_000_001}, "more than 1,000,000"),
    ],
)
def test_a_setup_that_is_not_one_is_refused(broken: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Setup.read(broken)
