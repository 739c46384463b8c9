"""The API's own kinds of values."""

from typing import Any

import pytest
from marshmallow import ValidationError, fields

from callease.web.api.fields import (
    Destination,
    Domain,
    Hours,
    Money,
    Network,
    Phone,
    SpeltPhone,
    known_region,
    known_timezone,
)

GOOD: list[tuple[fields.Field[Any], Any, Any]] = [
    (Phone(), "+77172690000", "+77172690000"),
    (Phone(), "+7 (7172) 69-00-00", "+77172690000"),
    (SpeltPhone(), "8 (7172) 69-00-00", "8 (7172) 69-00-00"),
    (Destination(), "+7 7172 55 55 55", "+77172555555"),
    (Destination(), " sip:sales@pbx.example.kz ", "sip:sales@pbx.example.kz"),
    (Domain(), "Example.KZ", "example.kz"),
    (Domain(), "*.example.kz", "*.example.kz"),
    (Domain(), "localhost", "localhost"),
    (Domain(), "пример.қаз", "xn--e1afmkfd.xn--80ao21a"),
    (Domain(), "127.0.0.1", "127.0.0.1"),
    (Network(), "203.0.113.0/24", "203.0.113.0/24"),
    (Network(), "2a00::1", "2a00::1"),
    (Money(), "25000000.00", "25000000.00"),
    (Money(), 25_000_000, 25_000_000),
    (Money(), {"amount": "1.5", "currency": "KZT"}, {"amount": "1.5", "currency": "KZT"}),
    (Hours(), {"mon": [["09:00", "18:00"]], "sat": []}, {"mon": [["09:00", "18:00"]], "sat": []}),
    (Hours(), {"fri": [["20:00", "04:00"], ["05:00", "24:00"]]}, {"fri": [["20:00", "04:00"], ["05:00", "24:00"]]}),
]


@pytest.mark.parametrize(("field", "given", "loaded"), GOOD, ids=lambda value: str(value)[:40])
def test_good_values(field: fields.Field[Any], given: Any, loaded: Any) -> None:
    assert field.deserialize(given) == loaded


BAD: list[tuple[fields.Field[Any], Any]] = [
    *((Phone(), value) for value in ("87172690000", "phone", "", 77172690000, None, "+7", [])),
    *((SpeltPhone(), value) for value in ("call us", "112", 1)),
    *((Destination(), value) for value in ("sip:", "sip:a b@c", "http://x", "", 1)),
    *((Domain(), value) for value in ("https://example.kz", "example.kz:80", "a..b", "", "a b", "-", "ы" * 70, "*", 1)),
    *((Network(), value) for value in ("203.0.113.0/33", "example.kz", "", 1, None)),
    *((Money(), value) for value in ("much", "NaN", "Infinity", 1.5, True, None, {}, {"amount": "1"}, [])),
    *((Money(), value) for value in ("1e3", "1E+999999", "1_0", " 1", "9" * 16, 10**15, "0.1234567")),
    (Money(), {"amount": "1", "currency": "tenge"}),
    (Money(), {"amount": None, "currency": "KZT"}),
    *((Hours(), value) for value in ([], "always", {"monday": []}, {"mon": "09-18"}, {"mon": ["09:00", "18:00"]})),
    *((Hours(), {"mon": [span]}) for span in (["09:00"], ["9:00", "18:00"], ["09:00", "25:00"], [9, 18], "09-18")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "given"), BAD, ids=lambda value: str(value)[:40])
def test_bad_values(field: fields.Field[Any], given: Any) -> None:
    with pytest.raises(ValidationError):
        field.deserialize(given)


@pytest.mark.parametrize(("check", "good", "bad"), [
    (known_timezone, ["Asia/Almaty", "UTC"], ["Almaty", "+05:00", "", "asia/almaty"]),
    (known_region, ["KZ", "RU", "DE"], ["kz", "KAZ", "XX", ""]),
])  # fmt: skip
def test_known_names(check: Any, good: list[str], bad: list[str]) -> None:
    for name in good:
        check(name)
    for name in bad:
        with pytest.raises(ValidationError):
            check(name)
