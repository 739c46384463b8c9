"""Telephony in, by the generic provider: contract section 4."""

import itertools
import json
import re
from typing import Any

import pytest

from tests.contract.conftest import refused
from tests.factories import CALL_CENTRE_PHONE, Cast
from tests.support.databases import on_both_databases
from tests.support.http import Answer
from tests.support.people import new_call_id, rfc3339

Row = dict[str, Any]
CALLER = "+77011234567"
WRONG_EVENTS: list[tuple[Row, str]] = [
    ({"type": "call.eaten"}, "type"),
    ({"type": None}, "type"),
    ({"call_id": ""}, "call_id"),
    ({"at": "now"}, "at"),
    ({"at": "2026-11-21T10:00:00"}, "at"),
    ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
    ({"to": "me"}, "to"),
    ({"to": None}, "to"),
    ({"from": 7}, "from"),
    ({"wait": -1}, "wait"),
    ({"talk": "long"}, "talk"),
    ({"disposition": "eaten"}, "disposition"),
    ({"recording_url": "file:///etc/passwd"}, "recording_url"),
]
WRONG_QUESTIONS: list[tuple[Row, str]] = [
    ({"call_id": None}, "call_id"),
    ({"to": ""}, "to"),
    ({"digits": "abc"}, "digits"),
    ({"at": "soon"}, "at"),
    ({"from": []}, "from"),
]


@pytest.fixture
def number(cast: Cast) -> str:
    """A number that a visitor is being shown."""
    shown: str = cast.page().reveal("ZHK-1001", visitor="v", session="s").json["number"]
    return shown


def bearer(cast: Cast, url: str, body: Any, token: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {token or cast.account['token']}", "Content-Type": "application/json"}
    return cast.transport("POST", url, headers, json.dumps(body).encode())


def event(cast: Cast, number: str, **fields: Any) -> Row:
    return {"type": "call.ringing", "call_id": "c1", "at": rfc3339(), "from": CALLER, "to": number, **fields}


class TestAuthentication:
    def test_by_signature_or_by_token(self, cast: Cast, number: str) -> None:
        assert cast.telephone.event("ringing", "c1", number).status == 200
        assert bearer(cast, cast.account["events_url"], event(cast, number, call_id="c2")).status == 200
        assert len(cast.api.all("/calls")) == 2

    @pytest.mark.parametrize("where", ["events_url", "route_url"])
    def test_anything_else_is_401_and_nothing_happens(self, cast: Cast, number: str, where: str) -> None:
        other = cast.api.post("/telephony-accounts", {"provider": "generic", "name": "Other"})
        body, url = event(cast, number), cast.account[where]
        content = json.dumps(body).encode()
        answers = [
            cast.transport("POST", url, {}, content),
            bearer(cast, url, body, "wrong"),
            bearer(cast, url, body, other["token"]),
            bearer(cast, url, body, cast.account["secret"]),
            cast.telephone.send(url, body, secret=other["secret"]),
            cast.transport(
                "POST", url, {"webhook-id": "x", "webhook-timestamp": "now", "webhook-signature": "v1,"}, content
            ),
            cast.transport("POST", url, {"Authorization": "Basic x", "webhook-signature": "\xff"}, content),
        ]
        for answer in answers:
            refused(answer, 401, "wrong_signature")
        assert cast.api.all("/calls") == []

    @pytest.mark.parametrize("last", ["events", "route", "events/summary"])
    def test_an_unknown_account_is_404(self, cast: Cast, number: str, last: str) -> None:
        refused(bearer(cast, f"/c/v1/telephony/nowhere/{last}", event(cast, number)), 404, "unknown_account")

    def test_a_retired_account_is_404(self, cast: Cast, number: str) -> None:
        cast.api.delete(f"/telephony-accounts/{cast.account['id']}")
        refused(cast.telephone.event("ringing", "c1", number), 404, "unknown_account")

    def test_the_account_is_not_found_by_its_id(self, cast: Cast, number: str) -> None:
        refused(
            bearer(cast, f"/c/v1/telephony/{cast.account['id']}/events", event(cast, number)), 404, "unknown_account"
        )

    def test_events_are_posted(self, cast: Cast) -> None:
        refused(cast.transport("GET", cast.account["events_url"]), 405, "method_not_allowed")
        refused(cast.transport("DELETE", cast.account["route_url"]), 405, "method_not_allowed")


class TestEvents:
    def test_the_answer_names_the_call(self, cast: Cast, number: str) -> None:
        answer = cast.telephone.event("ringing", "c1", number)
        (call,) = cast.api.all("/calls")
        assert answer.json == {"call": call["id"]}
        assert call["id"].startswith("call_")
        assert call["provider_call_id"] == "c1"

    def test_a_suffix_after_the_address_is_let_pass(self, cast: Cast, number: str) -> None:
        assert bearer(cast, cast.account["events_url"] + "/any/suffix", event(cast, number)).status == 200

    def test_a_call_is_the_same_in_whatever_order_it_is_told_of(self, cast: Cast, number: str) -> None:
        """All orders of four events, one of them repeated, each for a call of its own."""
        steps: list[tuple[str, Row]] = [
            ("ringing", {"at": "2026-11-21T10:00:00Z"}),
            ("answered", {"at": "2026-11-21T10:00:07Z", "answered_by": "+77172555555"}),
            (
                "ended",
                {"at": "2026-11-21T10:01:42Z", "disposition": "answered", "wait": 7, "talk": 95, "duration": 102},
            ),
            ("recorded", {"at": "2026-11-21T10:01:50Z", "recording_url": "https://pbx.example.kz/r/1"}),
        ]
        seen = set()
        for order in itertools.permutations(steps):
            call = new_call_id()
            for type_, fields in (*order, order[0]):
                assert cast.telephone.event(type_, call, number, **fields).status == 200
            (made,) = cast.api.get(f"/calls?provider_call_id={call}")["data"]
            (lead,) = cast.api.get(f"/leads?call={made['id']}")["data"]
            assert lead["call"]["id"] == made["id"]
            seen.add(json.dumps({name: made[name] for name in (
                "started_at", "answered_at", "ended_at", "wait", "talk", "duration", "disposition", "destination",
                "recording_url", "caller", "tracking_number")}))  # fmt: skip
        assert len(seen) == 1
        facts = json.loads(seen.pop())
        assert (facts["wait"], facts["talk"], facts["destination"]) == (7, 95, "+77172555555")

    @pytest.mark.parametrize("type_", ["ringing", "answered", "ended", "recorded"])
    def test_the_first_event_of_a_call_makes_its_lead_whatever_it_is(self, cast: Cast, number: str, type_: str) -> None:
        cast.telephone.event(type_, "c1", number)
        assert len(cast.api.all("/leads")) == 1

    @pytest.mark.parametrize("caller", [None, "anonymous", "sip:anonymous@anonymous.invalid"])
    def test_a_hidden_caller(self, cast: Cast, number: str, caller: str | None) -> None:
        assert cast.telephone.event("ringing", "c1", number, caller).status == 200
        assert cast.api.all("/calls")[0]["caller"] is None

    @pytest.mark.parametrize("spelling", ["{}", "sip:{}@pbx.example.kz", "tel:{}", " {} "])
    def test_numbers_in_the_spellings_of_telephony(self, cast: Cast, number: str, spelling: str) -> None:
        cast.telephone.event("ringing", "c1", spelling.format(number), spelling.format(CALLER[1:]))
        (call,) = cast.api.all("/calls")
        assert (call["tracking_number"], call["caller"]) == (number, CALLER)

    def test_a_wrong_field_is_named(self, cast: Cast, number: str) -> None:
        for change, field in WRONG_EVENTS:
            answer = cast.telephone.send(cast.account["events_url"], event(cast, number, **change))
            assert list(refused(answer, 400, "invalid_request")["fields"]) == [field]
        assert cast.api.all("/calls") == []

    def test_a_wrong_body_is_refused(self, cast: Cast) -> None:
        headers = {"Authorization": f"Bearer {cast.account['token']}"}
        for body in (b"", b"{", b"[]", b"\xff", b"[" * 90_000, b"x" * 1_100_000):
            refused(cast.transport("POST", cast.account["events_url"], headers, body), 400, "invalid_request")

    def test_a_number_that_is_not_callease_s(self, cast: Cast) -> None:
        refused(cast.telephone.event("ringing", "c1", "+77172999999"), 404, "unknown_number")
        assert cast.api.all("/leads") == []

    @on_both_databases
    def test_odd_texts_break_nothing(self, cast: Cast) -> None:
        number = cast.alatau_sales.numbers[0][1]
        for odd in ("\x00", "\ud800", "😀" * 50, "'; DROP TABLE calls; --"):
            answer = cast.telephone.event("ringing", odd, number, odd, answered_by=odd)
            assert answer.status == 200, answer.body


class TestRoute:
    def test_the_contracts_answer(self, cast: Cast, number: str) -> None:
        answer = cast.telephone.route("c1", number)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.headers["Cache-Control"] == "no-store"
        told = answer.json
        assert set(told) >= {
            "call",
            "advertiser",
            "office",
            "listing",
            "lease",
            "confidence",
            "destinations",
            "whisper",
            "record",
        }
        assert (told["advertiser"], told["office"]) == (cast.alatau["id"], cast.alatau_sales.id)
        assert told["listing"] == "ZHK-1001"
        assert told["destinations"] == [{"to": cast.alatau_sales.phone, "timeout": 25}]
        assert told["confidence"]["office"] == 1.0
        assert 0.9 < told["confidence"]["session"] <= 1
        assert "ZHK-1001" in told["whisper"]
        assert isinstance(told["record"], bool)

    def test_by_get(self, cast: Cast, number: str) -> None:
        query = f"?call_id=c1&from=%2B{CALLER[1:]}&to=%2B{number[1:]}"
        headers = {"Authorization": f"Bearer {cast.account['token']}"}
        answer = cast.transport("GET", cast.account["route_url"] + query, headers)
        assert answer.json["office"] == cast.alatau_sales.id

    def test_asked_twice_it_answers_the_same(self, cast: Cast, number: str) -> None:
        assert cast.telephone.route("c1", number).json == cast.telephone.route("c1", number).json

    def test_it_names_the_call_that_events_then_tell_of(self, cast: Cast, number: str) -> None:
        told = cast.telephone.route("c1", number).json
        assert cast.telephone.event("ringing", "c1", number).json["call"] == told["call"]
        assert [row["id"] for row in cast.api.all("/calls")] == [told["call"]]

    def test_a_question_alone_is_no_lead(self, cast: Cast, number: str) -> None:
        cast.telephone.route("c1", number)
        assert cast.api.all("/leads") == []

    def test_every_number_goes_to_its_owner(self, cast: Cast) -> None:
        for office in cast.offices:
            for _, e164 in office.numbers:
                told = cast.telephone.route(f"to {e164}", e164).json
                assert (told["office"], told["advertiser"]) == (office.id, office.advertiser)

    def test_the_free_plan_is_answered_by_the_call_centre(self, cast: Cast) -> None:
        told = cast.telephone.route("c1", cast.zhaina_sales.numbers[0][1]).json
        assert told["office"] == cast.zhaina_sales.id
        assert [each["to"] for each in told["destinations"]] == [CALL_CENTRE_PHONE]

    def test_plans_hours_and_overflow_change_who_is_rung_and_nothing_else(self, cast: Cast) -> None:
        office, e164 = cast.alatau_sales, cast.alatau_sales.numbers[0][1]
        cast.api.patch(f"/offices/{office.id}", {"hours": {"mon": []}, "overflow_office": cast.alatau_riverside.id})
        told = cast.telephone.route("c1", e164).json
        assert (told["office"], told["destinations"][0]["to"]) == (office.id, cast.alatau_riverside.phone)
        cast.api.patch(f"/offices/{office.id}", {"hours": None})
        assert cast.telephone.route("c2", e164).json["destinations"][0]["to"] == office.phone

    def test_a_caller_is_remembered(self, cast: Cast, number: str) -> None:
        cast.telephone.call(number)
        for n in range(6):
            cast.page().reveal("ZHK-1002", visitor=f"later {n}")
        told = cast.telephone.route("again", number).json
        assert told["listing"] == "ZHK-1001"
        assert cast.telephone.route("hidden", number, None).json["listing"] != "ZHK-1001"

    def test_an_unknown_number(self, cast: Cast) -> None:
        answer = cast.telephone.route("c1", "+77172999999")
        assert (answer.status, answer.json["code"]) == (404, "unknown_number")
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_a_wrong_field_is_named(self, cast: Cast, number: str) -> None:
        for change, field in WRONG_QUESTIONS:
            body = {"call_id": "c1", "from": CALLER, "to": number, **change}
            answer = cast.telephone.send(cast.account["route_url"], body)
            assert list(refused(answer, 400, "invalid_request")["fields"]) == [field]

    def test_digits_that_are_no_code_change_nothing(self, cast: Cast, number: str) -> None:
        told = cast.telephone.route("c1", number, digits="999#").json
        assert told["office"] == cast.alatau_sales.id


def test_no_phone_and_no_secret_gets_into_the_log(cast: Cast, number: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="callease")
    cast.telephone.route("c1", number)
    cast.telephone.call(number)
    cast.telephone.event("ringing", "c2", "+77172999999")
    bearer(cast, cast.account["events_url"], event(cast, number), "wrong")
    text = "\n".join(record.getMessage() for record in caplog.records)
    for secret in (CALLER[2:], number[2:], cast.account["token"], cast.account["secret"]):
        assert not re.search(re.escape(secret), text)
