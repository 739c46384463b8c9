"""The generic provider: the contract's own messages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.errors import InvalidRequest
from callease.base.webhook_signature import headers as signed
from callease.telephony.events import CallEvent, CallEventType, Disposition
from callease.telephony.providers.generic.adapter import GenericProvider
from callease.telephony.providers.protocol import Incoming, RouteAnswer

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
GENERIC = GenericProvider()
CREDENTIALS = GENERIC.credentials({})
# The contract's example.
EVENT = {
    "type": "call.ended",
    "call_id": "provider's id",
    "at": "2026-11-21T10:00:00Z",
    "from": "+77011234567",
    "to": "+77172690001",
    "disposition": "answered",
    "wait": 7,
    "talk": 95,
    "duration": 102,
    "answered_by": "+77172555555",
    "recording_url": "https://pbx.example.kz/r/1",
}


def post(body: Any) -> Incoming:
    return Incoming("POST", "", {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_the_contracts_example() -> None:
    assert GENERIC.translate(post(EVENT), NOW) == [
        CallEvent(
            "provider's id",
            CallEventType.ENDED,
            NOW,
            dialled="+77172690001",
            caller="+77011234567",
            disposition=Disposition.ANSWERED,
            wait=7,
            talk=95,
            duration=102,
            answered_by="+77172555555",
            recording_url="https://pbx.example.kz/r/1",
        )
    ]


def test_the_least_that_an_event_says() -> None:
    least = {"type": "call.ringing", "call_id": "1", "at": "2026-11-21T15:00:00+05:00", "to": "77172690001"}
    assert GENERIC.translate(post(least), NOW) == [CallEvent("1", CallEventType.RINGING, NOW, "+77172690001")]


@pytest.mark.parametrize("hidden", [None, "anonymous", "", "sip:anonymous@anonymous.invalid"])
def test_a_hidden_caller(hidden: str | None) -> None:
    assert GENERIC.translate(post(EVENT | {"from": hidden}), NOW)[0].caller is None


def test_what_the_contract_does_not_know_is_let_pass() -> None:
    assert GENERIC.translate(post(EVENT | {"queue": "sales"}), NOW) == GENERIC.translate(post(EVENT), NOW)


BAD = [
    ("type", "call.exploded"),
    ("type", None),
    ("call_id", ""),
    ("call_id", 7),
    ("call_id", "x" * 201),
    ("at", "2026-11-21T10:00:00"),
    ("at", "now"),
    ("at", 1_763_719_200),
    ("to", "anonymous"),
    ("to", None),
    ("to", 77172690001),
    ("from", 77172690001),
    ("disposition", "ghosted"),
    ("wait", -1),
    ("talk", "long"),
    ("duration", 10**9),
    ("recording_url", "ftp://pbx.example.kz/r"),
    ("recording_url", "javascript:alert(1)"),
    ("answered_by", {"sip": 1}),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        GENERIC.translate(post(EVENT | {field: value}), NOW)
    assert list(refused.value.data["fields"]) == [field]


@pytest.mark.parametrize("missing", ["type", "call_id", "at", "to"])
def test_what_is_needed(missing: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        GENERIC.translate(post({k: v for k, v in EVENT.items() if k != missing}), NOW)
    assert list(refused.value.data["fields"]) == [missing]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"at": NaN}'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        GENERIC.translate(post(body), NOW)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "other"]), _json))
def test_any_json_is_taken_or_refused(changes: dict[str, Any]) -> None:
    try:
        (event,) = GENERIC.translate(post(EVENT | changes), NOW)
    except InvalidRequest:
        return
    assert event.at.utcoffset() is not None
    assert isinstance(event.fingerprint(), str)


class TestQuestion:
    QUESTION = {"call_id": "1", "from": "+77011234567", "to": "+77172690001"}  # noqa: RUF012

    def test_by_post(self) -> None:
        asked = GENERIC.question(post(self.QUESTION | {"at": "2026-11-21T09:59:00Z", "digits": "42#"}), NOW)
        assert (asked.provider_call_id, asked.dialled, asked.caller) == ("1", "+77172690001", "+77011234567")
        assert (asked.at, asked.digits, asked.ringing) == (datetime(2026, 11, 21, 9, 59, tzinfo=UTC), "42", False)

    def test_by_get(self) -> None:
        query = "call_id=1&from=%2B77011234567&to=%2B77172690001&digits=42"
        asked = GENERIC.question(Incoming("GET", f"https://c.example/route?{query}", {}, b""), NOW)
        assert (asked.dialled, asked.caller, asked.digits, asked.at) == ("+77172690001", "+77011234567", "42", NOW)

    @pytest.mark.parametrize("digits", ["12a", "1" * 21, 12])
    def test_digits_are_digits(self, digits: object) -> None:
        with pytest.raises(InvalidRequest):
            GENERIC.question(post(self.QUESTION | {"digits": digits}), NOW)


class TestAuthentication:
    def incoming(self, **headers: str) -> Incoming:
        return Incoming("POST", "", headers, b"{}")

    def test_by_signature(self) -> None:
        assert GENERIC.authentic(
            Incoming("POST", "", signed(CREDENTIALS["secret"], "m", NOW, b"{}"), b"{}"), CREDENTIALS, NOW
        )

    def test_by_token(self) -> None:
        for scheme in ("Bearer", "bearer", "BEARER"):
            assert GENERIC.authentic(self.incoming(authorization=f"{scheme} {CREDENTIALS['token']}"), CREDENTIALS, NOW)

    @pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer x", "Basic {token}", "{token}", "Bearer ÿ"])
    def test_by_nothing_else(self, value: str) -> None:
        authorization = value.replace("{token}", CREDENTIALS["token"])
        assert not GENERIC.authentic(self.incoming(authorization=authorization), CREDENTIALS, NOW)

    def test_another_accounts_secrets_are_of_no_use(self) -> None:
        other = GENERIC.credentials({})
        assert other["secret"] != CREDENTIALS["secret"]
        assert not GENERIC.authentic(
            Incoming("POST", "", signed(other["secret"], "m", NOW, b"{}"), b"{}"), CREDENTIALS, NOW
        )
        assert not GENERIC.authentic(self.incoming(authorization=f"Bearer {other['token']}"), CREDENTIALS, NOW)

    def test_credentials_are_made_here(self) -> None:
        assert GENERIC.shown_once(CREDENTIALS) == CREDENTIALS
        with pytest.raises(InvalidRequest):
            GENERIC.credentials({"password": "x"})


def test_the_route_answer_is_the_contracts() -> None:
    confidence = {"office": 1.0, "source": 0.99, "session": 0.97}
    destinations = [{"to": "+77172555555", "timeout": 25}]
    reply = GENERIC.route_reply(
        RouteAnswer("call_1", "adv_1", "off_1", destinations, "ZHK-1042", "lse_1", confidence, "Босаға."), "unused"
    )
    assert json.loads(reply.body) == {
        "call": "call_1",
        "advertiser": "adv_1",
        "office": "off_1",
        "listing": "ZHK-1042",
        "lease": "lse_1",
        "confidence": confidence,
        "destinations": destinations,
        "whisper": "Босаға.",
        "record": True,
    }
    assert (reply.status, reply.content_type) == (200, "application/json")
