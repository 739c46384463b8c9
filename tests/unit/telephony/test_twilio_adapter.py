"""Twilio's requests as they come, and TwiML as Twilio takes it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from callease.base.errors import InvalidRequest
from callease.telephony.events import CallEvent, CallEventType, Disposition
from callease.telephony.providers.protocol import Collect, Incoming, RouteAnswer
from callease.telephony.providers.twilio.adapter import TwilioProvider
from callease.telephony.providers.twilio.signature import signature

RINGING, ANSWERED, ENDED, RECORDED = CallEventType
NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
THEN = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
STAMP = "Sat, 21 Nov 2026 10:00:00 +0000"
EVENTS_URL = "https://calls.example.kz/c/v1/telephony/Zr5/events"
ROUTE_URL = "https://calls.example.kz/c/v1/telephony/Zr5/route"
TWILIO = TwilioProvider()

# As Twilio sends them; what the adapter does not read is there as well.
INBOUND = {
    "AccountSid": "AC0123456789abcdef0123456789abcdef",
    "ApiVersion": "2010-04-01",
    "CallSid": "CA5ab1d0f0ffb1c52c5c3c60aa4fd8d3a2",
    "CallStatus": "ringing",
    "CallToken": "%7B%22parentCallInfoToken%22%3A%22x%22%7D",
    "Called": "+77172690001",
    "CalledCountry": "KZ",
    "Caller": "+77011234567",
    "CallerCountry": "KZ",
    "Direction": "inbound",
    "From": "+77011234567",
    "FromCountry": "KZ",
    "To": "+77172690001",
    "ToCountry": "KZ",
}
PROGRESS = INBOUND | {"CallbackSource": "call-progress-events", "SequenceNumber": "0", "Timestamp": STAMP}
LEG = PROGRESS | {
    "CallSid": "CAleg00000000000000000000000000000",
    "ParentCallSid": INBOUND["CallSid"],
    "Direction": "outbound-dial",
    "From": "+77011234567",
    "To": "+77172555555",
    "CallStatus": "in-progress",
}
DIAL_ENDED = INBOUND | {
    "CallStatus": "in-progress",
    "DialCallStatus": "completed",
    "DialCallSid": LEG["CallSid"],
    "DialCallDuration": "95",
    "DialBridged": "true",
    "RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC0/Recordings/RE1",
}
RECORDING = {
    "AccountSid": INBOUND["AccountSid"],
    "CallSid": INBOUND["CallSid"],
    "RecordingSid": "RE1",
    "RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC0/Recordings/RE1",
    "RecordingStatus": "completed",
    "RecordingDuration": "95",
    "RecordingChannels": "2",
    "RecordingStartTime": STAMP,
    "RecordingSource": "DialVerb",
}


def post(form: dict[str, str], url: str = EVENTS_URL) -> Incoming:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    return Incoming("POST", url, headers, urlencode(form).encode())


def translated(form: dict[str, str]) -> list[CallEvent]:
    return TWILIO.translate(post(form), NOW)


def only(form: dict[str, str]) -> CallEvent:
    (event,) = translated(form)
    return event


class TestEvents:
    def test_an_incoming_call(self) -> None:
        assert only(PROGRESS) == CallEvent(INBOUND["CallSid"], RINGING, THEN, "+77172690001", "+77011234567")

    def test_without_a_time_of_its_own_the_moment_of_receipt_counts(self) -> None:
        assert only(INBOUND).at == NOW
        assert only(PROGRESS | {"Timestamp": "yesterday"}).at == NOW

    @pytest.mark.parametrize("status", ["queued", "initiated", "ringing"])
    def test_beginnings(self, status: str) -> None:
        assert only(PROGRESS | {"CallStatus": status}).type is RINGING

    def test_an_answered_call(self) -> None:
        assert only(PROGRESS | {"CallStatus": "in-progress"}).type is ANSWERED

    @pytest.mark.parametrize(
        ("status", "disposition"),
        [("busy", Disposition.BUSY), ("no-answer", Disposition.MISSED), ("canceled", Disposition.MISSED),
         ("failed", Disposition.FAILED)],
    )  # fmt: skip
    def test_calls_that_came_to_nothing(self, status: str, disposition: Disposition) -> None:
        event = only(PROGRESS | {"CallStatus": status, "CallDuration": "0"})
        assert (event.type, event.disposition, event.duration) == (ENDED, disposition, 0)

    def test_a_completed_call_does_not_say_whether_anybody_answered(self) -> None:
        event = only(PROGRESS | {"CallStatus": "completed", "CallDuration": "102"})
        assert (event.type, event.disposition, event.duration) == (ENDED, None, 102)

    def test_the_leg_says_who_answered(self) -> None:
        event = only(LEG)
        assert (event.provider_call_id, event.type) == (INBOUND["CallSid"], ANSWERED)
        assert (event.answered_by, event.dialled, event.caller) == ("+77172555555", None, None)

    def test_a_leg_to_a_sip_address(self) -> None:
        assert only(LEG | {"To": "sip:sales@pbx.example.kz"}).answered_by == "sip:sales@pbx.example.kz"

    @pytest.mark.parametrize("status", ["initiated", "ringing", "completed", "busy", "no-answer"])
    def test_what_else_a_leg_does_is_no_news(self, status: str) -> None:
        assert translated(LEG | {"CallStatus": status}) == []

    def test_the_end_of_dial_with_its_recording(self) -> None:
        ended, recorded = translated(DIAL_ENDED)
        assert (ended.type, ended.disposition, ended.talk) == (ENDED, Disposition.ANSWERED, 95)
        assert (ended.dialled, ended.caller) == ("+77172690001", "+77011234567")
        assert (recorded.type, recorded.recording_url) == (RECORDED, RECORDING["RecordingUrl"])
        assert recorded.provider_call_id == INBOUND["CallSid"]

    @pytest.mark.parametrize(
        ("status", "disposition"),
        [("answered", Disposition.ANSWERED), ("busy", Disposition.BUSY), ("no-answer", Disposition.MISSED),
         ("canceled", Disposition.MISSED), ("failed", Disposition.FAILED), ("unheard-of", Disposition.FAILED)],
    )  # fmt: skip
    def test_how_dial_ended(self, status: str, disposition: Disposition) -> None:
        form = {name: value for name, value in DIAL_ENDED.items() if name != "RecordingUrl"}
        event = only(form | {"DialCallStatus": status, "DialCallDuration": "0"})
        assert (event.disposition, event.talk) == (disposition, 0)

    def test_a_recording(self) -> None:
        event = only(RECORDING)
        assert (event.type, event.recording_url, event.dialled) == (RECORDED, RECORDING["RecordingUrl"], None)

    @pytest.mark.parametrize("status", ["in-progress", "absent", "failed"])
    def test_a_recording_that_is_not_there_is_no_news(self, status: str) -> None:
        assert translated(RECORDING | {"RecordingStatus": status}) == []

    @pytest.mark.parametrize("hidden", ["+266696687", "+7378742833", "+86282452253", "+8656696", "anonymous", ""])
    def test_a_hidden_caller(self, hidden: str) -> None:
        assert only(PROGRESS | {"From": hidden}).caller is None

    @pytest.mark.parametrize(
        ("form", "field"), [({}, "CallSid"), ({"CallSid": "CA1"}, "CallStatus"),
                            (PROGRESS | {"CallStatus": "teleported"}, "CallStatus")],
    )  # fmt: skip
    def test_what_is_not_of_twilios_form(self, form: dict[str, str], field: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            translated(form)
        assert field in refused.value.data["fields"]

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"CallSid", b"&&&=", b"{}", b"CallSid=%FF&CallStatus=%FF"])
    def test_any_body_is_answered_or_refused(self, content: bytes) -> None:
        with pytest.raises(InvalidRequest):
            TWILIO.translate(Incoming("POST", EVENTS_URL, {}, content), NOW)


class TestQuestion:
    def test_by_post(self) -> None:
        question = TWILIO.question(post(INBOUND, ROUTE_URL), NOW)
        assert (question.provider_call_id, question.at) == (INBOUND["CallSid"], NOW)
        assert (question.dialled, question.caller, question.digits) == ("+77172690001", "+77011234567", None)
        assert question.ringing

    def test_by_get_it_is_in_the_address(self) -> None:
        question = TWILIO.question(Incoming("GET", f"{ROUTE_URL}?{urlencode(INBOUND)}", {}, b""), NOW)
        assert (question.dialled, question.caller) == ("+77172690001", "+77011234567")

    def test_digits_of_a_gather(self) -> None:
        question = TWILIO.question(post(INBOUND | {"Digits": "123"}, f"{ROUTE_URL}?collected=1"), NOW)
        assert (question.digits, question.collected) == ("123", True)
        assert not TWILIO.question(post(INBOUND, ROUTE_URL), NOW).collected

    def test_a_question_rings_whatever_the_status_and_brings_the_digits(self) -> None:
        form = INBOUND | {"CallStatus": "in-progress", "Digits": "123#"}
        (event,) = TWILIO.translate(replace(post(form, ROUTE_URL), suffix="route"), NOW)
        assert (event.type, event.digits) == (RINGING, "123")

    @pytest.mark.parametrize("missing", ["CallSid", "To"])
    def test_without_what_is_asked_about(self, missing: str) -> None:
        with pytest.raises(InvalidRequest):
            TWILIO.question(post({k: v for k, v in INBOUND.items() if k != missing}, ROUTE_URL), NOW)

    def test_to_something_that_is_no_phone(self) -> None:
        with pytest.raises(InvalidRequest):
            TWILIO.question(post(INBOUND | {"To": "client:agent"}, ROUTE_URL), NOW)


def answer(*destinations: dict[str, Any], **facts: Any) -> ElementTree.Element:
    reply = TWILIO.route_reply(RouteAnswer("call_1", "adv_1", "off_1", destinations, **facts), EVENTS_URL)
    assert (reply.status, reply.content_type) == (200, "text/xml")
    assert reply.body.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    return ElementTree.fromstring(reply.body)


class TestTwiml:
    @pytest.mark.parametrize(
        ("locale", "spoken", "begins"),
        [("ru", "ru-RU", "Наберите"), ("kk", "ru-RU", "Наберите"), ("en-GB", "en-GB", "Please"),
         ("de", "en-GB", "Please")],
    )  # fmt: skip
    def test_the_code_is_asked_for_in_a_language_that_twilio_speaks(
        self, locale: str, spoken: str, begins: str
    ) -> None:
        gather, dial = answer({"to": "+77172555555"}, collect=Collect("қос.", locale))
        assert (gather.tag, dial.tag) == ("Gather", "Dial")
        assert gather.attrib == {
            "input": "dtmf", "timeout": "4", "finishOnKey": "#", "actionOnEmptyResult": "true",
            "action": f"{ROUTE_URL}?collected=1", "method": "POST",
        }  # fmt: skip
        (say,) = gather
        assert say.get("language") == spoken
        assert (say.text or "").startswith(begins)

    def test_one_destination(self) -> None:
        response = answer({"to": "+77172555555", "timeout": 25})
        (dial,) = response
        assert (response.tag, dial.tag) == ("Response", "Dial")
        assert dial.attrib == {
            "answerOnBridge": "true",
            "timeout": "25",
            "action": EVENTS_URL,
            "method": "POST",
            "record": "record-from-answer-dual",
            "recordingStatusCallback": EVENTS_URL,
        }
        (number,) = dial
        assert (number.tag, number.text) == ("Number", "+77172555555")
        assert number.attrib == {
            "statusCallback": EVENTS_URL,
            "statusCallbackEvent": "answered",
            "statusCallbackMethod": "POST",
        }

    def test_several_are_rung_one_after_another_as_long_as_the_longest(self) -> None:
        response = answer({"to": "+77172555555", "timeout": 20}, {"to": "sip:a&b@pbx.example.kz", "timeout": 40})
        dial = response[0]
        assert (dial.get("sequential"), dial.get("timeout")) == ("true", "40")
        assert [(each.tag, each.text) for each in dial] == [
            ("Number", "+77172555555"),
            ("Sip", "sip:a&b@pbx.example.kz"),
        ]

    def test_without_a_recording(self) -> None:
        dial = answer({"to": "+77172555555"}, record=False)[0]
        assert "record" not in dial.attrib
        assert dial.get("timeout") == "30"

    def test_nobody_to_ring(self) -> None:
        assert [each.tag for each in answer()] == ["Reject"]

    def test_an_unknown_number(self) -> None:
        reply = TWILIO.unknown_number_reply()
        assert (reply.status, [each.tag for each in ElementTree.fromstring(reply.body)]) == (200, ["Reject"])

    def test_news_are_answered_with_nothing_to_do(self) -> None:
        assert list(ElementTree.fromstring(TWILIO.events_reply("call_1").body)) == []


class TestCredentials:
    def test_they_are_kept_as_given(self) -> None:
        given = {"account_sid": "AC1", "auth_token": "12345"}
        assert TWILIO.credentials(given) == given
        assert TWILIO.shown_once(given) == {}

    @pytest.mark.parametrize(
        ("given", "field"),
        [({}, "account_sid"), ({"account_sid": "AC1"}, "auth_token"), ({"account_sid": "", "auth_token": "1"},
         "account_sid"), ({"account_sid": "AC1", "auth_token": "1", "token": "x"}, "token")],
    )  # fmt: skip
    def test_what_is_missing_or_unknown_is_named(self, given: dict[str, str], field: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            TWILIO.credentials(given)
        assert field in refused.value.data["fields"]["credentials"]


def test_a_request_is_recognised_by_its_signature() -> None:
    credentials = {"account_sid": "AC1", "auth_token": "12345"}
    signed = post(INBOUND)
    headers = {
        **signed.headers,
        "x-twilio-signature": signature("12345", EVENTS_URL, {k: [v] for k, v in INBOUND.items()}),
    }
    assert TWILIO.authentic(Incoming("POST", EVENTS_URL, headers, signed.body), credentials, NOW)
    assert not TWILIO.authentic(Incoming("POST", EVENTS_URL, headers, signed.body + b"&x=1"), credentials, NOW)
    assert not TWILIO.authentic(signed, credentials, NOW)
