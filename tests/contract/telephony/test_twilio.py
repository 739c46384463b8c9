"""Telephony in, by Twilio: signed form posts in, TwiML out."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from callease.telephony.providers.twilio.signature import signature
from tests.contract.conftest import refused
from tests.factories import Cast
from tests.support.extensions import COMMON, QALA_PHONE, Extended, extend
from tests.support.http import Answer

TOKEN = "12345"
CALL = "CA5ab1d0f0ffb1c52c5c3c60aa4fd8d3a2"
CALLER = "+77011234567"


class Twilio:
    """Twilio's side of the conversation: it asks at the address that it was given, and signs as documented."""

    def __init__(self, cast: Cast, number: str) -> None:
        body = {"provider": "twilio", "name": "Twilio", "credentials": {"account_sid": "AC1", "auth_token": TOKEN}}
        self.account = cast.api.post("/telephony-accounts", body)
        self._transport = cast.transport
        self._number = number

    def post(self, url: str, token: str = TOKEN, **form: str) -> Answer:
        fields = {"AccountSid": "AC1", "CallSid": CALL, "From": CALLER, "To": self._number, **form}
        signed = signature(token, url, {name: [value] for name, value in fields.items()})
        headers = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        return self._transport("POST", url, headers, urlencode(fields).encode())

    def get(self, url: str, **form: str) -> Answer:
        fields = {"AccountSid": "AC1", "CallSid": CALL, "From": CALLER, "To": self._number, **form}
        address = f"{url}?{urlencode(fields)}"
        return self._transport("GET", address, {"X-Twilio-Signature": signature(TOKEN, address, {})})

    def incoming(self, **form: str) -> Answer:
        return self.post(self.account["route_url"], CallStatus="ringing", Direction="inbound", **form)


@pytest.fixture
def number(cast: Cast) -> str:
    shown: str = cast.page().reveal("ZHK-1001", visitor="v", session="s").json["number"]
    return shown


@pytest.fixture
def twilio(cast: Cast, number: str) -> Twilio:
    return Twilio(cast, number)


def twiml(answer: Answer) -> ElementTree.Element:
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"].startswith("text/xml")
    response = ElementTree.fromstring(answer.body)
    assert response.tag == "Response"
    return response


def one(rows: list[Any]) -> Any:
    (row,) = rows
    return row


def test_where_an_incoming_call_goes(cast: Cast, twilio: Twilio) -> None:
    (dial,) = twiml(twilio.incoming())
    assert dial.tag == "Dial"
    assert dial.get("action") == twilio.account["events_url"]
    assert [each.text for each in dial] == [cast.alatau_sales.phone]


def test_the_question_is_asked_by_get_too(cast: Cast, twilio: Twilio) -> None:
    (dial,) = twiml(twilio.get(twilio.account["route_url"], CallStatus="ringing"))
    assert [each.text for each in dial] == [cast.alatau_sales.phone]


def test_the_question_says_that_it_rings(cast: Cast, twilio: Twilio) -> None:
    twilio.incoming()
    lead = one(cast.api.all("/leads"))
    assert (lead["call"]["disposition"], lead["contact"]["phone"]) == (None, CALLER)
    assert lead["listing"]["id"] == "ZHK-1001"


def test_asked_twice_it_is_one_call(cast: Cast, twilio: Twilio) -> None:
    assert twilio.incoming().body == twilio.incoming().body
    assert len(cast.api.all("/leads")) == 1


def test_a_whole_call(cast: Cast, twilio: Twilio) -> None:
    """The question, the leg's status, the end of `<Dial>`, the recording, the end of the call itself."""
    events = twilio.account["events_url"]
    twilio.incoming()
    leg = {"ParentCallSid": CALL, "CallSid": "CA2", "To": cast.alatau_sales.phone, "CallStatus": "in-progress"}
    assert list(twiml(twilio.post(events, **leg))) == []
    twiml(twilio.post(events, DialCallStatus="completed", DialCallDuration="95", CallStatus="in-progress"))
    recording = {"RecordingStatus": "completed", "RecordingUrl": "https://api.twilio.com/r/RE1"}
    twiml(twilio.post(events, **recording))
    twiml(twilio.post(events, CallStatus="completed", CallDuration="102"))
    call = one(cast.api.all("/calls"))
    assert (call["disposition"], call["talk"], call["destination"]) == ("answered", 95, cast.alatau_sales.phone)
    assert call["recording_url"] == "https://api.twilio.com/r/RE1"
    assert len(cast.api.all("/leads")) == 1


def test_a_call_that_nobody_answered(cast: Cast, twilio: Twilio) -> None:
    twilio.incoming()
    twilio.post(twilio.account["events_url"], DialCallStatus="no-answer", CallStatus="in-progress")
    call = one(cast.api.all("/calls"))
    assert (call["disposition"], call["talk"], call["answered_at"]) == ("missed", 0, None)


def test_a_hidden_caller(cast: Cast, twilio: Twilio) -> None:
    twilio.incoming(From="+266696687")
    assert one(cast.api.all("/calls"))["caller"] is None


def test_an_unknown_number_is_rejected_before_it_costs(twilio: Twilio) -> None:
    assert [each.tag for each in twiml(twilio.incoming(To="+15005550006"))] == ["Reject"]


class TestCodes:
    """Of a number that many offices share Twilio is told to take the code first."""

    @pytest.fixture
    def extended(self, cast: Cast) -> Extended:
        return extend(cast)

    @pytest.fixture
    def shown(self, extended: Extended) -> dict[str, Any]:
        return extended.reveal("v")

    @pytest.fixture
    def twilio(self, extended: Extended) -> Twilio:
        return Twilio(extended.cast, COMMON)

    def test_the_caller_is_asked_for_the_code(self, cast: Cast, twilio: Twilio) -> None:
        gather, dial = twiml(twilio.incoming())
        assert (gather.tag, gather.get("input"), gather.get("finishOnKey")) == ("Gather", "dtmf", "#")
        assert [(say.tag, say.get("language"), say.text) for say in gather] == [
            ("Say", "ru-RU", "Наберите, пожалуйста, добавочный номер или оставайтесь на линии.")
        ]
        assert [each.text for each in dial] == [cast.call_centre.phone]
        assert cast.api.all("/leads") == [], "nobody's phone rings yet"

    def test_the_code_leads_to_its_office(self, twilio: Twilio, extended: Extended, shown: dict[str, Any]) -> None:
        gather, _ = twiml(twilio.incoming())
        (dial,) = twiml(twilio.post(gather.attrib["action"], CallStatus="in-progress", Digits=shown["extension"]))
        assert [each.text for each in dial] == [QALA_PHONE]
        lead = one(extended.cast.api.all("/leads"))
        assert (lead["advertiser"], lead["attribution"]["method"]) == (extended.qala["id"], "extension")
        assert (lead["call"]["answered_at"], lead["call"]["disposition"]) == (None, None), "Twilio alone picked up"

    @pytest.mark.parametrize("form", [{}, {"Digits": ""}, {"Digits": "599"}])
    def test_without_a_right_one_the_owner_is_rung(self, cast: Cast, twilio: Twilio, form: dict[str, str]) -> None:
        gather, _ = twiml(twilio.incoming())
        (dial,) = twiml(twilio.post(gather.attrib["action"], CallStatus="in-progress", **form))
        assert [each.text for each in dial] == [cast.call_centre.phone]
        assert one(cast.api.all("/leads"))["attribution"]["method"] == "owner"

    def test_who_hangs_up_before_dialling_one_is_the_owners(self, cast: Cast, twilio: Twilio) -> None:
        twilio.incoming()
        twilio.post(twilio.account["events_url"], CallStatus="completed", CallDuration="3")
        assert (one(cast.api.all("/leads"))["call"]["disposition"]) == "missed"

    def test_an_owner_whom_nobody_answers_for_is_asked_for_the_code_too(self, cast: Cast, twilio: Twilio) -> None:
        cast.api.patch(f"/offices/{cast.call_centre.id}", {"destinations": []})
        assert [each.tag for each in twiml(twilio.incoming())] == ["Gather", "Hangup"]


@pytest.mark.parametrize("where", ["events_url", "route_url"])
class TestRefusals:
    def test_another_signature(self, cast: Cast, twilio: Twilio, where: str) -> None:
        url = twilio.account[where]
        refused(twilio.post(url, token="54321", CallStatus="ringing"), 401, "wrong_signature")
        refused(cast.transport("POST", url, {}, b"CallSid=CA1"), 401, "wrong_signature")
        refused(cast.transport("POST", url, {"X-Twilio-Signature": "\xff"}, b""), 401, "wrong_signature")
        assert cast.api.all("/calls") == []

    @pytest.mark.parametrize("host", ["evil.example", "x:99999", "x:port", "[::1", ""])
    def test_another_host_than_was_signed(self, cast: Cast, twilio: Twilio, where: str, host: str) -> None:
        signed = signature(TOKEN, twilio.account[where], {"CallSid": [CALL]})
        headers = {"X-Twilio-Signature": signed, "Host": host, "Content-Type": "application/x-www-form-urlencoded"}
        answer = cast.transport("POST", twilio.account[where], headers, urlencode({"CallSid": CALL}).encode())
        assert answer.status in (400, 401), answer.body

    def test_what_is_not_of_twilios_form(self, twilio: Twilio, where: str) -> None:
        refused(twilio.post(twilio.account[where], CallSid="", CallStatus="ringing"), 400, "invalid_request")


def test_an_event_that_overtook_its_call_waits_for_it(cast: Cast, twilio: Twilio) -> None:
    """A recording names the call alone: until the call is heard of, nobody knows whose it is."""
    events = twilio.account["events_url"]
    recording = {"RecordingStatus": "completed", "RecordingUrl": "https://api.twilio.com/r/RE1", "To": "", "From": ""}
    assert twilio.post(events, **recording).status in (200, 404)
    assert cast.api.all("/leads") == []
    twilio.incoming()
    assert len(cast.api.all("/leads")) == 1


class TestWithAPublicAddress:
    """Behind a proxy that was not named, Twilio still signs the address that it asked at."""

    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        return environment | {"CALLEASE_PUBLIC_URL": "https://calls.example.kz"}

    def test_the_public_address_is_what_was_signed(self, cast: Cast, number: str) -> None:
        twilio = Twilio(cast, number)
        url = twilio.account["route_url"]
        assert url.startswith("https://calls.example.kz/c/v1/telephony/")
        form = {"CallSid": CALL, "From": CALLER, "To": number, "CallStatus": "ringing"}
        for signed in (url, url.replace(".kz/", ".kz:443/")):
            headers = {
                "X-Twilio-Signature": signature(TOKEN, signed, {name: [value] for name, value in form.items()}),
                "Content-Type": "application/x-www-form-urlencoded",
            }
            path = url.removeprefix("https://calls.example.kz")
            assert twiml(cast.transport("POST", path, headers, urlencode(form).encode()))[0].tag == "Dial"
