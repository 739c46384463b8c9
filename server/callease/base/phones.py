"""Phones: E.164 inside, any usual spelling at the door, the reader's own format on the way out."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


def is_e164(text: str) -> bool:
    return _E164.match(text) is not None


def to_e164(text: str, region: str | None = None) -> str | None:
    """The phone that `text` spells for somebody in `region` (ISO 3166), or None when it spells none.

    A text that is E.164 already is taken as it is, whether or not the number is in use: tracking numbers of small
    operators are often missing from the numbering tables.
    """
    text = text.strip()
    if is_e164(text):
        return text
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return e164 if is_e164(e164) else None  # possible numbers of Germany begin at three digits


def provider_phone(text: str | None, region: str | None = None) -> str | None:
    """A phone as telephony systems send it: with or without `+`, as a SIP address, or hidden (None)."""
    if not text:
        return None
    bare = re.sub(r"\A(?:sips?|tel):", "", text.strip(), flags=re.IGNORECASE).split("@")[0].split(";")[0]
    if bare.startswith("+"):
        return to_e164(bare)
    digits = re.sub(r"[\s().-]", "", bare)
    if not digits.isdigit() or len(digits) < 7:
        return None
    if region:
        national = to_e164(digits, region)
        if national and phonenumbers.is_valid_number(phonenumbers.parse(national)):
            return national
    return to_e164(f"+{digits}")


@lru_cache(maxsize=65_536)
def display(e164: str, region: str | None = None) -> str:
    """As people of `region` write it: national form at home, international form abroad.

    The trunk prefix of `+7` countries is written (`8 (7172) 55 01 10`): visitors there expect to see it.
    """
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    home = region and parsed.country_code == phonenumbers.country_code_for_region(region)
    form = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)


_EXTENSION = {"ru": "доб.", "kk": "қос.", "en": "ext."}


def with_extension(written: str, code: str, locale: str) -> str:
    """A written number and the code to dial after it, as readers of `locale` expect: `8 (7172) 69 00 00 доб. 234`."""
    return f"{written} {_EXTENSION.get(locale[:2], _EXTENSION['en'])} {code}"


@lru_cache(maxsize=65_536)
def international(e164: str) -> str:
    return display(e164, None)
