"""`callease simulate` as somebody else runs it: a replay by the contract, and the tables and plots of drawn traffic."""

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import redis

from callease.cli.main import main
from callease.planning.traffic import Traffic
from tests.support.streams import as_lines, call, reveal
from tests.support.waiting import eventually

_ANSWER_SECONDS = 30
_COMMAND = Path(sys.executable).with_name("callease")
TRAFFIC = Traffic(reveals_a_day=150, offices=6, classes=3, days=2, listings_an_office=5, seed=3)
NUMBERS = TRAFFIC.numbers_file(14)


@dataclass
class Simulator:
    """A folder to work in, and an environment in which no other part of Callease could work."""

    folder: Path

    def __post_init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLEASE_", "PYTHONUNBUFF"))}
        nowhere = {"CALLEASE_DATABASE_URL": "nonsense", "CALLEASE_REDIS_URL": "nonsense"}
        self.environment = kept | nowhere
        self.write("numbers.json", [NUMBERS])

    def write(self, name: str, objects: list[dict[str, Any]]) -> None:
        (self.folder / name).write_bytes(b"".join(as_lines(objects)))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [_COMMAND, "simulate", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    def run(self, *arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Exit code, what was printed, what was complained."""
        process = self.start(*arguments)
        out, complaint = process.communicate(stdin, timeout=60)
        return process.returncode, out.decode(), complaint.decode()

    def replay(self, events: list[dict[str, Any]], *more: str) -> list[dict[str, Any]]:
        """The decisions, read from the file that was asked for."""
        self.write("events.jsonl", events)
        done = self.run("--replay", "events.jsonl", "--numbers", "numbers.json", "--out", "out.jsonl", *more)
        assert done == (0, "", "")
        return self.decisions("out.jsonl")

    def decisions(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(tmp_path)


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return list(TRAFFIC.events())


@pytest.fixture(scope="module")
def decisions(events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the engine says of `events` when nobody disturbs it."""
    return Simulator(tmp_path_factory.mktemp("undisturbed")).replay(events)


class TestReplay:
    def test_each_call_has_its_line(self, events: list[dict[str, Any]], decisions: list[dict[str, Any]]) -> None:
        calls = [event for event in events if event["kind"] == "call"]
        assert len(calls) > 100
        assert [decision["of"] for decision in decisions] == [event["of"] for event in calls]
        shown = {event["id"]: event for event in events if event["kind"] == "reveal"}
        owners: dict[str, str] = {}
        for decision in decisions:
            assert list(decision) == ["of", "number", "office", "class", "reveal", "confidence"]
            assert list(decision["confidence"]) == ["office", "source", "session"]
            assert all(0 <= each <= 1 for each in decision["confidence"].values())
            assert decision["class"] in {None, *NUMBERS["classes"]}
            assert decision["reveal"] is None or decision["reveal"] in shown
            assert decision["office"] == shown[decision["of"]]["office"]
            assert owners.setdefault(decision["number"], decision["office"]) == decision["office"]
        assert len(owners) <= NUMBERS["numbers"]
        right = sum(decision["class"] == shown[decision["of"]]["class"] for decision in decisions)
        assert right > 0.9 * len(decisions)

    def test_the_same_again(
        self, simulator: Simulator, events: list[dict[str, Any]], decisions: list[dict[str, Any]]
    ) -> None:
        assert simulator.replay(events) == decisions

    def test_nothing_is_left_but_the_answer(self, simulator: Simulator, events: list[dict[str, Any]]) -> None:
        simulator.replay(events[:20])
        assert simulator.files() == {"numbers.json", "events.jsonl", "out.jsonl"}

    def test_what_comes_later_changes_nothing(
        self, simulator: Simulator, events: list[dict[str, Any]], decisions: list[dict[str, Any]]
    ) -> None:
        for count in (len(events) // 3, len(events) // 3 * 2):
            calls = sum(event["kind"] == "call" for event in events[:count])
            assert simulator.replay(events[:count]) == decisions[:calls]

    def test_whom_the_call_is_of_is_for_the_telephone_only(
        self, simulator: Simulator, events: list[dict[str, Any]], decisions: list[dict[str, Any]]
    ) -> None:
        """Another reveal that was shown the same number before: the call is the same one to whoever answers it."""
        number_of = {decision["of"]: decision["number"] for decision in decisions}
        before: dict[str, int] = {}
        changed = []
        for event in events:
            if event["kind"] == "reveal" and event["id"] in number_of:
                before.setdefault(number_of[event["id"]], event["id"])
            elif event["kind"] == "call":
                event = event | {"of": before[number_of[event["of"]]]}
            changed.append(event)
        assert sum(one != other for one, other in zip(events, changed, strict=True)) > 50
        answers = [{**decision, "of": None} for decision in simulator.replay(changed)]
        assert answers == [{**decision, "of": None} for decision in decisions]

    def test_two_at_once(
        self,
        simulator: Simulator,
        tmp_path_factory: pytest.TempPathFactory,
        events: list[dict[str, Any]],
        decisions: list[dict[str, Any]],
    ) -> None:
        """Both are at work at the same time: each is asked in turns, and waited for."""
        other = Simulator(tmp_path_factory.mktemp("other"))
        with asked(simulator) as ask, asked(other, "--objective", "session") as ask_other:
            answers, answers_other = [], []
            for event in events[:200]:
                answers += ask(event)
                answers_other += ask_other(event)
        assert answers == decisions[: len(answers)]
        assert [answer["of"] for answer in answers_other] == [answer["of"] for answer in answers]

    def test_one_answer_before_the_next_question(self, simulator: Simulator) -> None:
        """The stream need not be there as a whole, and `-` is standard input and output."""
        with asked(simulator) as ask:
            assert ask(reveal(0, 5, **{"class": "paid_search"})) == []
            (answer,) = ask(call(30, 5))
            assert (answer["office"], answer["class"], answer["reveal"]) == ("o1", "paid_search", 5)

    @pytest.mark.parametrize(("ending", "code"), [("end", 0), ("error", 1), ("signal", 128 + signal.SIGTERM)])
    def test_its_redis_ends_with_it(self, simulator: Simulator, ending: str, code: int) -> None:
        process = simulator.start("--replay", "-", "--numbers", "numbers.json", "--out", "out.jsonl")
        try:
            assert process.stdin
            process.stdin.write(as_lines([reveal(0, 1, **{"class": "direct"})])[0])
            process.stdin.flush()
            server, socket = eventually(lambda: _redis_of(process.pid))
            with redis.Redis(unix_socket_path=str(socket)) as client:
                eventually(client.dbsize, what="the lease of the reveal")
            if ending == "signal":
                process.terminate()
                process.wait(30)
            process.communicate(b"what?" if ending == "error" else b"", timeout=30)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == code
        eventually(lambda: not _runs(server))
        assert not socket.parent.parent.exists(), "its folder"
        assert simulator.files() == {"numbers.json"} | ({"out.jsonl"} if code == 0 else set())

    def test_an_earlier_answer_is_replaced_by_a_whole_one_only(self, simulator: Simulator) -> None:
        good = [reveal(0, 1, **{"class": "direct"}), call(1, 1)]
        before = simulator.replay(good)
        simulator.write("events.jsonl", [*good, call(2, 99)])
        arguments = ("--replay", "events.jsonl", "--numbers", "numbers.json", "--out", "out.jsonl")
        code, out, complaint = simulator.run(*arguments)
        assert (code, out) == (1, "")
        assert complaint == "callease: events.jsonl: line 3: `of` names no reveal before it: 99\n"
        assert simulator.decisions("out.jsonl") == before
        assert simulator.files() == {"numbers.json", "events.jsonl", "out.jsonl"}

    def test_fewer_numbers_than_offices(self, simulator: Simulator) -> None:
        """The contract allows it: who got no number is answered with nulls. It is said all the same."""
        simulator.write("few.json", [NUMBERS | {"numbers": 1}])
        simulator.write("events.jsonl", [
            reveal(0, 1, **{"class": "direct"}), reveal(1, 2, office="o2", **{"class": "direct"}), call(2, 2),
        ])  # fmt: skip
        code, _, complaint = simulator.run("--replay", "events.jsonl", "--numbers", "few.json", "--out", "out.jsonl")
        assert code == 0
        assert complaint.startswith("callease: few.json: 1 numbers for 6 offices: ")
        (decision,) = simulator.decisions("out.jsonl")
        assert decision["number"] is decision["office"] is decision["class"] is decision["reveal"] is None


REPLAY = ("--replay", "-", "--out", "out.jsonl", "--numbers")
WRONG: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("--replay", "-"), 2, "--replay needs --numbers NUMBERS.json and --out DECISIONS.jsonl"),
    ((*REPLAY, "-"), 2, "--replay and --numbers cannot both be read from standard input"),
    ((*REPLAY, "missing.json"), 1, "missing.json: No such file or directory"),
    ((*REPLAY, "nameless.json"), 1, "nameless.json: an office has no `id`"),
    ((*REPLAY, "broken.json"), 1, "broken.json: is not JSON: Expecting value at character 13"),
    ((*REPLAY, "numbers.json"), 1, "standard input: line 1: is not JSON: Expecting value at character 1"),
    (("--replay", "missing", "--numbers", "numbers.json", "--out", "o"), 1, "missing: No such file or directory"),
    (("--replay", "-", "--numbers", "numbers.json", "--out", "no/o"), 2, "--out: there is no folder {folder}/no"),
    (("--replay", "e", "--numbers", "numbers.json", "--out", "./e"), 2, "--out would overwrite what is read"),
    (("--out", "o"), 2, "--out is for --replay; --events-out keeps drawn traffic"),
    (("--preset", "huge"), 2, "--preset: 'huge' is none of small, medium, large"),
    (("--offices", "0"), 2, "offices is not at least 1"),
    (("--set", "call_share=2"), 2, "call_share is not between 0 and 1"),
    (("--set", "call_share=much"), 2, "--set: call_share is not a number: 'much'"),
    (("--set", "luck=1"), 2, "--set: 'luck' is none of reveals_a_day, "),
    (("--numbers", "59"), 2, "--numbers: 59 numbers are fewer than 60 offices"),
    (("--numbers", "60,many"), 2, "--numbers: neither a count nor a multiple of the offices like 4x: 'many'"),
    (("--numbers", "infx"), 2, "--numbers: neither a count nor a multiple of the offices like 4x: 'infx'"),
    (("--policy-numbers", "x"), 2, "--policy-numbers: neither a count nor a multiple of the offices like 4x: 'x'"),
    (("--policy", "best"), 2, "--policy: 'best' is none of all, none, callease, load, "),
    (("--plot", "no"), 2, "--plot: there is no folder no"),
    (("--numbers-out", "n.json"), 2, "--numbers-out needs --numbers with one count"),
    (
        ("--preset", "small,large", "--events-out", "e"),
        2,
        "--events-out and --numbers-out are for one preset at a time",
    ),
)


@pytest.mark.parametrize(("arguments", "code", "sentence"), WRONG)
def test_what_is_wrong_is_said_in_one_line(
    simulator: Simulator,
    arguments: tuple[str, ...],
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, which keeps its own ways to end and to make files."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x\n")))
    monkeypatch.chdir(simulator.folder)
    simulator.write("nameless.json", [NUMBERS | {"offices": [{}]}])
    (simulator.folder / "broken.json").write_text('{"numbers": }', encoding="utf-8")
    before = simulator.files()
    assert main(["simulate", *arguments]) == code
    out, complaint = capsys.readouterr()
    assert out == ""
    assert complaint.startswith(f"callease: {sentence.format(folder=simulator.folder)}"), complaint
    assert complaint.count("\n") == 1
    assert simulator.files() == before


class TestOwnTraffic:
    SMALL = ("--preset", "small", "--days", "2", "--numbers", "1x,50")

    def test_a_table(self, simulator: Simulator) -> None:
        code, out, complaint = simulator.run(*self.SMALL, "--policy", "callease,oldest+memory")
        assert (code, complaint) == (0, "")
        heading, columns, *rows = out.splitlines()
        assert heading.startswith("small: 200 reveals a day, 20 offices, 6 classes, 2 days, seed 1: ")
        assert columns.split() == ["numbers", "policy", "office", "source", "session", "gap"]
        assert [row.split()[:2] for row in rows[:4]] == [
            ["20", "callease"], ["20", "oldest+memory"], ["50", "callease"], ["50", "oldest+memory"],
        ]  # fmt: skip
        assert rows[0].split()[2] == "100.00"

    def test_json_of_all_policies(self, simulator: Simulator) -> None:
        code, out, complaint = simulator.run(*self.SMALL, "--policy-numbers", "100", "--json", "--seed", "4")
        assert (code, complaint) == (0, "")
        (simulated,) = json.loads(out)
        assert (simulated["name"], simulated["traffic"]["seed"]) == ("small", 4)
        runs = [(each["policy"], each["numbers"]) for each in simulated["results"]]
        assert len(runs) == len(set(runs)) == 9 * 2 + 8
        assert ("callease", 100) not in runs
        for each in simulated["results"]:
            assert each["calls"] == simulated["calls"]
            assert each["office"]["low"] <= each["office"]["right"] <= each["office"]["high"]
            assert (each["source"]["gap"] is None) == (each["policy"] != "callease")
            if each["policy"] == "callease" or each["policy"].startswith("owned"):
                assert each["office"]["right"] == 1

    def test_others_can_judge_the_same_traffic(self, simulator: Simulator) -> None:
        arguments = ("--preset", "small", "--days", "1", "--numbers", "40", "--set", "hidden_share=1")
        files = ("--events-out", "e.jsonl", "--numbers-out", "n.json", "--policy", "none")
        assert simulator.run(*arguments, *files) == (0, "", "")
        done = simulator.run("--replay", "e.jsonl", "--numbers", "n.json", "--out", "-")
        assert (done[0], done[2]) == (0, "")
        (simulated,) = json.loads(simulator.run(*arguments, "--policy", "callease", "--json")[1])
        (result,) = simulated["results"]
        assert len(done[1].splitlines()) == simulated["calls"] == result["calls"]
        shown = {event["id"]: event for event in simulator.decisions("e.jsonl") if event["kind"] == "reveal"}
        right = [answer["class"] == shown[answer["of"]]["class"] for answer in map(json.loads, done[1].splitlines())]
        assert sum(right) / len(right) == pytest.approx(result["source"]["right"])

    def test_plots_of_policies(self, simulator: Simulator) -> None:
        """Drawn again, they are the same to the byte: what is kept in a repository changes with its data only."""
        arguments = ("--preset", "small", "--days", "0.5", "--numbers", "1x,2x", "--policy", "callease,owned")
        first, second = (self._plots(simulator, folder, *arguments) for folder in ("one", "two"))
        assert first == second
        assert first.keys() == {"policies-small.svg", "delays.svg"}
        assert {"right office", "owned", "callease"} <= _words(first["policies-small.svg"])
        assert {"1 min", "1 month", "heavy"} <= _words(first["delays.svg"])

    def test_plots_of_sizes(self, simulator: Simulator) -> None:
        arguments = ("--preset", "small,medium", "--days", "0.1", "--numbers", "1x", "--policy", "callease")
        plots = self._plots(simulator, "plots", *arguments)
        assert plots.keys() == {"sizes.svg", "delays.svg"}
        sizes = {"200 reveals a day, 20 offices", "2,000 reveals a day, 60 offices"}
        assert {"right source", "right session", *sizes} <= _words(plots["sizes.svg"])

    def test_delays_need_no_run(self, simulator: Simulator) -> None:
        assert self._plots(simulator, "plots", "--policy", "none").keys() == {"delays.svg"}

    def _plots(self, simulator: Simulator, folder: str, *arguments: str) -> dict[str, bytes]:
        (simulator.folder / folder).mkdir()
        code, _, complaint = simulator.run(*arguments, "--plot", folder)
        assert (code, complaint) == (0, "")
        return {path.name: path.read_bytes() for path in (simulator.folder / folder).iterdir()}


def _words(svg: bytes) -> set[str]:
    """What is written in a plot."""
    return {text.strip() for text in ElementTree.fromstring(svg).itertext()}


def _redis_of(pid: int) -> tuple[int, Path] | None:
    """The Redis that a process has started and its socket, once it is ready: the server's command line names it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    for child in children:
        command = Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8")
        if found := re.search(r"unixsocket:(\S+\.sock)", command):
            return int(child), Path(found[1])
    return None


def _runs(pid: int) -> bool:
    """A process that has ended and waits to be buried has no command line any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (OSError, ValueError):
        return False


@contextmanager
def asked(simulator: Simulator, *more: str) -> Iterator[Callable[[dict[str, Any]], list[dict[str, Any]]]]:
    """A replay that is told one event after another; a call is answered before the next event is told."""
    process = simulator.start("--replay", "-", "--numbers", "numbers.json", "--out", "-", *more)
    told, answered = process.stdin, process.stdout
    assert told
    assert answered

    def ask(event: dict[str, Any]) -> list[dict[str, Any]]:
        told.write(as_lines([event])[0])
        told.flush()
        if event["kind"] != "call":
            return []
        assert select.select([answered], [], [], _ANSWER_SECONDS)[0], "no answer"
        return [json.loads(answered.readline())]

    try:
        yield ask
        assert process.communicate(timeout=30) == (b"", b"")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
