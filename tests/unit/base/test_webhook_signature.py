"""Standard Webhooks signatures: the published vector, and what must be refused."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.base.secrets import new_signing_secret
from callease.base.webhook_signature import headers, sign, verify

# The vector of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
THEN = datetime.fromtimestamp(STAMP, UTC)
GIVEN = {"webhook-id": MESSAGE, "webhook-timestamp": str(STAMP), "webhook-signature": SIGNATURE}


def test_the_published_vector() -> None:
    assert sign(SECRET, MESSAGE, STAMP, BODY) == SIGNATURE
    assert headers(SECRET, MESSAGE, THEN, BODY) == GIVEN
    assert verify(SECRET, GIVEN, BODY, THEN)


def test_one_of_several_signatures_is_enough() -> None:
    old = sign(new_signing_secret(), MESSAGE, STAMP, BODY)
    assert verify(SECRET, {**GIVEN, "webhook-signature": f"{old} v1a,other {SIGNATURE}"}, BODY, THEN)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(STAMP + 1)},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": f"{STAMP}.0"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "٣"},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": "v2" + SIGNATURE[2:]},
        {"webhook-signature": SIGNATURE[:-4] + "AAA="},
        {"webhook-signature": SIGNATURE.lower()},
        {"webhook-signature": "v1,"},
    ],
)
def test_changed_headers_are_refused(changed: dict[str, str]) -> None:
    assert not verify(SECRET, {**GIVEN, **changed}, BODY, THEN)


@pytest.mark.parametrize("missing", GIVEN)
def test_every_header_is_needed(missing: str) -> None:
    assert not verify(SECRET, {name: value for name, value in GIVEN.items() if name != missing}, BODY, THEN)


@pytest.mark.parametrize(
    ("seconds", "believed"), [(0, True), (299, True), (-299, True), (301, False), (-301, False), (86_400, False)]
)
def test_a_signature_is_good_for_five_minutes_either_way(seconds: int, believed: bool) -> None:
    assert verify(SECRET, GIVEN, BODY, THEN + timedelta(seconds=seconds)) is believed


@pytest.mark.parametrize("secret", ["whsec_no base64!", "", "whsec_"])
def test_an_unusable_secret_signs_nothing(secret: str) -> None:
    assert not verify(secret, GIVEN, BODY, THEN)


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 2**33))
def test_a_signature_is_of_one_body(body: bytes, other: bytes, stamp: int) -> None:
    secret, at = new_signing_secret(), datetime.fromtimestamp(stamp, UTC)
    given_headers = headers(secret, "msg_1", at, body)
    assert verify(secret, given_headers, body, at)
    assert verify(secret, given_headers, other, at) is (other == body)
    assert not verify(new_signing_secret(), given_headers, body, at)


_anything = st.text() | st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010))


@given(st.dictionaries(st.sampled_from(list(GIVEN)), _anything), st.binary(max_size=50))
def test_malformed_headers_are_refused_and_never_raise(given_headers: dict[str, str], body: bytes) -> None:
    assert not verify(SECRET, given_headers, body, THEN)
    assert not verify(SECRET, {**GIVEN, "webhook-signature": "v1," + base64.b64encode(body).decode()}, body, THEN)


def test_new_secrets_are_long_and_never_the_same() -> None:
    made = {new_signing_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(24 <= len(base64.b64decode(each.removeprefix("whsec_"), validate=True)) <= 64 for each in made)
