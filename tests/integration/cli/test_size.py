"""`callease size` as somebody runs it: from given rates, a stream or the log, and what it says of a wrong one."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callease.attribution.models import MeasuredReveals
from callease.cli.main import main
from callease.planning.traffic import Traffic
from callease.web.services import Services
from tests.factories import Cast
from tests.support.databases import on_both_databases
from tests.support.streams import as_lines

QUICK = "--replayed-reveals=200"
RATES = {
    "offices": [
        {"id": "a", "reveals_a_day": {"paid_search": 6, "organic": 4}},
        {"id": "b", "reveals_a_day": {"organic": 5}},
    ]
}


@pytest.fixture(autouse=True)
def nothing_else_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLEASE_DATABASE_URL", "nonsense")


def _write(path: Path, what: Any) -> str:
    path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")
    return str(path)


def _sized(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["size", QUICK, "--json", *arguments]) == 0
    out = capsys.readouterr()
    assert "1 of" in out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


def test_given_rates_make_a_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _sized(capsys, "--rates", _write(tmp_path / "rates.json", RATES), "--numbers", "5")
    assert (found["reveals_a_day"], found["offices"], found["classes"]) == (15.0, 2, 2)
    assert found["counted"] == {"days": None, "reveals": None, "first_calls": 0, "too_short": False}
    assert found["assumed"] == ["delays", "rhythm", "returning visitors"]
    numbers = [point["numbers"] for point in found["curve"]]
    assert (numbers[0], numbers == sorted(numbers)) == (2, True)
    assert {5, 10} <= set(numbers), "what there is, and twice as much"
    for name in ("source", "session"):
        shares = [point[name]["right"] for point in found["curve"]]
        assert shares == sorted(shares)
        assert all(point[name]["low"] <= point[name]["right"] <= point[name]["high"] for point in found["curve"])
    assert all(point["office"]["right"] == 1.0 for point in found["curve"])
    assert [each["right"] for each in found["for_source"]] == [0.96, 0.99, 0.999]
    assert found["now"]["numbers"] == found["numbers"] == 5
    assert [each["more"] for each in found["purchases"]] == [1, 2, 3, 5]
    assert found["purchases"][-1]["session_gain"] == pytest.approx(
        found["purchases"][-1]["then"]["session"]["right"] - found["now"]["session"]["right"], abs=2e-4
    )


def test_it_reads_as_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", QUICK, "--reveals-a-day=15", "--offices=2", "--classes=2"]) == 0
    text = capsys.readouterr().out
    for expected in ("15 reveals a day, 2 offices, 2 classes", "Assumed, not measured", "Right source in 96 % of calls",
                     "Begin with 2 numbers, one for each office"):  # fmt: skip
        assert expected in text
    assert main(["size", QUICK, "--reveals-a-day=15", "--offices=2", "--classes=2", "--numbers=4"]) == 0
    assert "With 4 numbers: source" in capsys.readouterr().out


def test_ctrl_c_is_nobody_s_mistake() -> None:
    command = [sys.executable, "-m", "callease.cli", "size", "--reveals-a-day=200"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Tests that a shell runs in the background ignore Ctrl-C, and so would what they start.
    with subprocess.Popen(command, **pipes, preexec_fn=_hear_ctrl_c) as process:
        assert process.stderr
        assert "1 of" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "Traceback" not in process.stderr.read()


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_stream_is_learnt_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traffic = Traffic(reveals_a_day=60, offices=2, classes=2, days=9, call_share=0.8, hidden_share=0.5, seed=4)
    events = list(traffic.events())
    (tmp_path / "events.jsonl").write_bytes(b"".join(as_lines(events)))
    found = _sized(capsys, "--from-events", str(tmp_path / "events.jsonl"))
    reveals = [event for event in events if event["kind"] == "reveal"]
    assert found["counted"]["reveals"] == len(reveals)
    assert found["counted"]["days"] == pytest.approx(9, abs=0.3)
    called = {event["of"] for event in events if event["kind"] == "call"}
    assert len(called) * 0.9 < found["counted"]["first_calls"] <= len(called)
    assert found["assumed"] == ["rhythm", "returning visitors"]
    assert found["reveals_a_day"] == pytest.approx(len(reveals) / found["counted"]["days"], rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "say what to size"),
        (["--from-log", "--rates=x"], 2, "different ways"),
        (["--rates={rates}", "--offices=3"], 2, "for traffic that nobody has seen"),
        (["--rates={nowhere}"], 1, "nowhere.json: No such file"),
        (["--rates={broken}"], 1, "broken.json: is not {"),
        (["--rates={twice}"], 1, "twice.json: an office is there twice"),
        (["--rates={minus}"], 1, "minus.json: a rate is negative"),
        (["--rates={empty}"], 1, "there are no reveals"),
        (["--rates={rates}", "--numbers=1"], 2, "--numbers: 1 numbers are fewer than 2 offices"),
        (["--rates={rates}", "--days=3"], 2, "--days and --site are for --from-log"),
        (["--rates={rates}", "--set=call_share=2"], 2, "call_share is not between 0 and 1"),
        (["--rates={rates}", "--set=rates=2"], 2, "'rates' is none of"),
        (["--rates={rates}", "--set=call_share=0"], 1, "nobody calls"),
        (["--reveals-a-day=-1"], 2, "reveals_a_day is not above 0"),
        (["--from-events={events}"], 1, "events.jsonl: line 1: has no `t`"),
        (["--from-log", "--days=0"], 2, "--days is not above 0"),
        (["--from-log"], 2, "CALLEASE_DATABASE_URL"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    office = {"id": "a", "reveals_a_day": {"organic": -1}}
    files = {
        "rates": _write(tmp_path / "rates.json", RATES),
        "nowhere": str(tmp_path / "nowhere.json"),
        "broken": _write(tmp_path / "broken.json", "[1]"),
        "twice": _write(tmp_path / "twice.json", {"offices": [RATES["offices"][0]] * 2}),
        "minus": _write(tmp_path / "minus.json", {"offices": [office]}),
        "empty": _write(tmp_path / "empty.json", {"offices": []}),
        "events": _write(tmp_path / "events.jsonl", '{"kind": "call", "of": 1, "caller": null}\n'),
    }
    assert main(["size", QUICK, *(each.format(**files) for each in arguments)]) == code
    out = capsys.readouterr()
    told = [line for line in out.err.splitlines() if " of " not in line or "numbers," not in line]
    assert (out.out, len(told)) == ("", 1)
    assert sentence in told[0]
    assert told[0].startswith("callease: ")


@on_both_databases
class TestFromTheLog:
    @pytest.fixture(autouse=True)
    def its_settings(
        self, nothing_else_is_needed: None, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    def test_measure_mode_is_enough(self, cast: Cast, parts: Services, capsys: pytest.CaptureFixture[str]) -> None:
        hour_at = (parts.clock.now() - timedelta(days=10)).replace(minute=0, second=0, microsecond=0)
        with parts.database.transaction() as session:
            for listing, count in (("ZHK-1001", 100), ("ZHK-2001", 50)):
                row = {"site_id": cast.site["id"], "office_id": cast.office_of[listing].id, "hour_at": hour_at}
                session.add(MeasuredReveals(**row, source_class="organic", count=count))
        (number, *_) = cast.api.all(f"/numbers?office={cast.office_of['ZHK-1001'].id}")
        cast.api.patch(f"/numbers/{number['id']}", {"monthly_cost": {"amount": "1500", "currency": "KZT"}})
        found = _sized(capsys, "--from-log", "--site", cast.site["key"])
        assert (found["offices"], found["counted"]["reveals"], found["counted"]["days"]) == (2, 150, 10.0)
        assert found["counted"]["too_short"]
        assert found["reveals_a_day"] == pytest.approx(15, abs=0.2)
        owned = sum(len(cast.office_of[listing].numbers) for listing in ("ZHK-1001", "ZHK-2001"))
        assert found["owned"] == owned
        assert found["price"] == {"amount": "1500", "currency": "KZT"}
        best = found["purchases"][0]
        assert best["price"] == {"amount": str(1_500 * best["more"]), "currency": "KZT"}

    def test_a_log_without_reveals_says_so(self, cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["size", "--from-log", "--days", "7"]) == 1
        assert capsys.readouterr().err == "callease: no reveals were counted in the last 7 days\n"

    def test_an_unknown_site_is_named(self, cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["size", "--from-log", "--site", "nowhere"]) == 2
        assert capsys.readouterr().err == "callease: --site: there is no site 'nowhere'\n"
