"""Phones as people and telephony systems spell them."""

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callease.base.phones import display, international, is_e164, provider_phone, to_e164

SPELLINGS = [
    ("8 (7172) 69-00-00", "KZ", "+77172690000"),
    ("+7 717 269 00 00", "KZ", "+77172690000"),
    ("87011234567", "KZ", "+77011234567"),
    ("7011234567", "KZ", "+77011234567"),
    ("77011234567", "KZ", "+77011234567"),
    ("8\u00a0701\u00a0123\u201145\u201167", "KZ", "+77011234567"),
    ("8 (495) 123-45-67", "RU", "+74951234567"),
    ("495 123-45-67", "RU", "+74951234567"),
    ("8-800-555-35-35", "RU", "+78005553535"),
    ("044 123 45 67", "UA", "+380441234567"),
    ("0 67 123-45-67", "UA", "+380671234567"),
    ("+380 44 123 45 67", None, "+380441234567"),
    ("030 12345678", "DE", "+493012345678"),
    ("+49 (0)30 12345678", "DE", "+493012345678"),
    ("0049 30 12345678", "DE", "+493012345678"),
    ("810 49 30 12345678", "KZ", "+493012345678"),
    ("tel:+77011234567", "KZ", "+77011234567"),
    ("+7 (701) 123-45-67 доб. 12", "KZ", "+77011234567"),
    ("\t+77172690000\n", None, "+77172690000"),
    ("+7999", "KZ", None),
    ("77011234567", None, None),
    ("690000", "KZ", None),
    ("000", "DE", None),
    ("112", "KZ", None),
    ("+0123456789", None, None),
    ("+1234567890123456", None, None),
    ("+7٧٠١١٢٣٤٥٦٧", None, "+77011234567"),
    ("доб. 123", "KZ", None),
    ("+", "KZ", None),
    ("", "KZ", None),
]


@pytest.mark.parametrize(("text", "region", "expected"), SPELLINGS)
def test_what_people_write(text: str, region: str | None, expected: str | None) -> None:
    assert to_e164(text, region) == expected


PROVIDERS = [
    ("+77011234567", None, "+77011234567"),
    ("77011234567", None, "+77011234567"),
    ("+7 701 123-45-67", None, "+77011234567"),
    ("sip:+77011234567@pbx.example.kz", None, "+77011234567"),
    ("sip:77011234567@192.0.2.7:5060;user=phone", None, "+77011234567"),
    ("TEL:+77011234567", None, "+77011234567"),
    ("87011234567", "KZ", "+77011234567"),
    ("0441234567", "UA", "+380441234567"),
    ("anonymous", None, None),
    ("sip:anonymous@anonymous.invalid", None, None),
    ("client:agent", None, None),
    ("101", None, None),
    ("²²²²²²²²", None, None),
    ("", None, None),
    (None, None, None),
]


@pytest.mark.parametrize(("text", "region", "expected"), PROVIDERS)
def test_what_telephony_sends(text: str | None, region: str | None, expected: str | None) -> None:
    assert provider_phone(text, region) == expected


@pytest.mark.parametrize(
    ("e164", "region", "shown"),
    [
        ("+77172550110", "KZ", "8 (7172) 55 01 10"),
        ("+77172550110", "RU", "8 (7172) 55 01 10"),
        ("+77172550110", "UA", "+7 7172 55 01 10"),
        ("+77172550110", None, "+7 7172 55 01 10"),
        ("+74951234567", "RU", "8 (495) 123-45-67"),
        ("+380441234567", "UA", "044 123 4567"),
        ("+493012345678", "DE", "030 12345678"),
        ("+493012345678", "KZ", "+49 30 12345678"),
        ("nonsense", "KZ", "nonsense"),
    ],
)
def test_what_people_are_shown(e164: str, region: str | None, shown: str) -> None:
    assert display(e164, region) == shown


_PREFIXES = {
    "KZ": ["+7701", "+7707", "+7747", "+77172", "+77272", "+77212"],
    "RU": ["+7495", "+7812", "+7916", "+7800"],
    "UA": ["+38044", "+38067", "+38050"],
    "DE": ["+4930", "+4989", "+49151", "+49170"],
}
_LENGTHS = {"KZ": 12, "RU": 12, "UA": 13, "DE": 13}


@st.composite
def _numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A valid number of one of the four countries, and the country."""
    region = draw(st.sampled_from(sorted(_PREFIXES)))
    prefix = draw(st.sampled_from(_PREFIXES[region]))
    missing = _LENGTHS[region] - len(prefix)
    e164 = prefix + draw(st.text("0123456789", min_size=missing, max_size=missing))
    assume(phonenumbers.is_valid_number(phonenumbers.parse(e164)))
    return e164, region


@given(_numbers())
def test_what_is_shown_at_home_is_read_back(number: tuple[str, str]) -> None:
    e164, region = number
    assert to_e164(display(e164, region), region) == e164


@given(_numbers(), st.sampled_from(sorted(_PREFIXES)))
def test_the_international_form_is_read_back_anywhere(number: tuple[str, str], reader: str) -> None:
    e164, _ = number
    assert to_e164(international(e164), reader) == e164


@given(_numbers(), st.lists(st.sampled_from(["", " ", "-", "\u00a0", ".", " - "]), min_size=16, max_size=16))
def test_separators_change_nothing(number: tuple[str, str], separators: list[str]) -> None:
    e164, region = number
    spelt = e164[:2] + "".join(s + digit for s, digit in zip(separators, e164[2:], strict=False))
    assert to_e164(spelt, region) == e164
    assert provider_phone(spelt) == e164


@given(_numbers())
def test_reading_twice_is_reading_once(number: tuple[str, str]) -> None:
    e164, region = number
    assert is_e164(e164)
    assert to_e164(e164, region) == e164 == provider_phone(e164) == provider_phone(e164[1:])


@given(st.text(), st.none() | st.sampled_from(["KZ", "RU", "UA", "DE"]))
def test_whatever_is_read_is_e164(text: str, region: str | None) -> None:
    for read in (to_e164(text, region), provider_phone(text, region)):
        assert read is None or (is_e164(read) and read.isascii())
