"""X-Twilio-Signature: every vector that Twilio and its SDK publish."""

from collections.abc import Sequence
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callease.telephony.providers.twilio.signature import is_signed, signature

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675309"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
JSON = b'{"property": "value", "boolean": true}'
JSON_URL = f"{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="
TWICE = {"Sid": ["CA123"], "SidAccount": ["AC123"], "Digits": ["5678", "1234", "1234"]}

FORMS = [
    (URL, CALL, SIGNATURE),
    (URL.replace(".com", ".com:443"), CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (URL.replace("https", "http").replace(".com", ".com:80"), CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    (URL.replace("https", "http").replace(".com", ".com:1234"), CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (URL, CALL | {"From": ["+12349013030"], "Caller": ["+12349013030"]}, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    (URL, TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
]


def body(form: dict[str, list[str]]) -> bytes:
    return urlencode(form, doseq=True).encode()


@pytest.mark.parametrize(("url", "form", "expected"), FORMS)
def test_published_forms(url: str, form: dict[str, list[str]], expected: str) -> None:
    assert signature(TOKEN, url, form) == expected
    assert is_signed(TOKEN, expected, url, body(form), True)


def test_published_json() -> None:
    assert signature(TOKEN, JSON_URL, {}) == JSON_SIGNATURE
    assert is_signed(TOKEN, JSON_SIGNATURE, JSON_URL, JSON, False)


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        (URL, URL.replace(".com", ".com:443")),
        (URL.replace(".com", ".com:443"), URL),
        (URL.replace("https", "http"), URL.replace("https", "http").replace(".com", ".com:80")),
        (URL.replace("https", "http").replace(".com", ".com:80"), URL.replace("https", "http")),
        ("https://[2a00::1]/c", "https://[2a00::1]:443/c"),
    ],
)
def test_the_port_may_be_there_or_not(signed: str, asked: str) -> None:
    assert is_signed(TOKEN, signature(TOKEN, signed, CALL), asked, body(CALL), True)


def test_a_get_is_signed_by_its_address_alone() -> None:
    assert is_signed(TOKEN, signature(TOKEN, URL, {}), URL, b"", False)


class TestTampering:
    @pytest.mark.parametrize(
        "url",
        [URL + "&x=1", URL.replace("foo=1", "foo=2"), URL.replace("https", "http"), URL.replace("my", "other", 1),
         URL.replace("myapp", "other")],
    )  # fmt: skip
    def test_of_the_address(self, url: str) -> None:
        assert not is_signed(TOKEN, SIGNATURE, url, body(CALL), True)

    @pytest.mark.parametrize("name", CALL)
    def test_of_the_form(self, name: str) -> None:
        assert not is_signed(TOKEN, SIGNATURE, URL, body(CALL | {name: ["+10000000000"]}), True)
        assert not is_signed(TOKEN, SIGNATURE, URL, body({k: v for k, v in CALL.items() if k != name}), True)

    def test_of_a_body_that_is_no_form(self) -> None:
        assert not is_signed(TOKEN, JSON_SIGNATURE, JSON_URL, JSON + b" ", False)
        assert not is_signed(TOKEN, signature(TOKEN, URL, {}), URL, JSON, False)

    @pytest.mark.parametrize("given_signature", ["", " ", SIGNATURE[:-1], SIGNATURE.lower(), "ü", "x" * 9_000])
    def test_of_the_signature(self, given_signature: str) -> None:
        assert not is_signed(TOKEN, given_signature, URL, body(CALL), True)

    def test_with_another_accounts_token(self) -> None:
        assert not is_signed("54321", SIGNATURE, URL, body(CALL), True)


_forms = st.dictionaries(
    st.text("abcXYZ019", min_size=1), st.lists(st.text(st.characters(codec="utf-8")), min_size=1), max_size=5
)


def _shuffled(form: dict[str, list[str]]) -> dict[str, Sequence[str]]:
    return {name: [*reversed(values), *values] for name, values in reversed(form.items())}


@given(_forms)
def test_order_and_repetition_do_not_matter(form: dict[str, list[str]]) -> None:
    assert signature(TOKEN, URL, _shuffled(form)) == signature(TOKEN, URL, form)


@given(_forms)
def test_what_is_signed_is_recognised(form: dict[str, list[str]]) -> None:
    assert is_signed(TOKEN, signature(TOKEN, URL, form), URL, body(form), True)


@given(st.text(st.characters(min_codepoint=0, max_codepoint=255)), st.binary(), st.booleans())
def test_nothing_raises(given_signature: str, content: bytes, is_form: bool) -> None:
    assert not is_signed(TOKEN, given_signature, URL, content, is_form)


@pytest.mark.parametrize("url", ["", "mycompany.com", "https://", "https://a:port/", "https://a:99999/", "https://[x/"])
def test_a_request_with_an_impossible_address_is_not_recognised(url: str) -> None:
    assert not is_signed(TOKEN, SIGNATURE, url, body(CALL), True)
