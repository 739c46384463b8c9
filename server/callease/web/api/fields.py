"""Fields of the API's own kinds: times, phones, money, hours, references."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from functools import lru_cache
from typing import Any

import phonenumbers
from marshmallow import ValidationError, fields, validate

from callease.base.clock import rfc3339
from callease.base.phones import is_e164, to_e164
from callease.catalog.hours import WEEKDAYS

_HOST = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_SIP = re.compile(r"sips?:[^\s@]+@[^\s@]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")


class Moment(fields.Field[Any]):
    """RFC 3339 in UTC with `Z`; read only."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return rfc3339(value) if value else None


class Phone(fields.String):
    """E.164, or any international spelling of it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        phone = to_e164(text)
        if phone is None:
            raise ValidationError("must be a phone number in E.164 form, such as +77172690000")
        return phone


class SpeltPhone(fields.String):
    """A phone in any spelling, read by whoever knows the site's region."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_e164(text) and sum(character.isdigit() for character in text) < 5:
            raise ValidationError("is not a phone number")
        return text


class Destination(fields.String):
    """Whom to ring: a phone in E.164 or a SIP address."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if _SIP.fullmatch(text):
            return text
        phone = to_e164(text)
        if phone is None:
            raise ValidationError("must be a phone number in E.164 form or a sip: address")
        return phone


class Domain(fields.String):
    """A host name, any port; `*.example.kz` for all below it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip().lower()
        try:
            text = text.encode("idna").decode() if not text.isascii() else text
        except UnicodeError:
            raise ValidationError("is not a host name") from None
        if not _HOST.fullmatch(text) or len(text) > 253:
            raise ValidationError("must be a host name such as www.example.kz, without scheme, port or path")
        return text


class Network(fields.String):
    """An address or a CIDR block, kept as it was written."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValidationError("is neither an address nor a CIDR block") from None
        return text


class Money(fields.Field[Any]):
    """A decimal string, or `{"amount", "currency"}`; kept in the shape that it came in."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        amount = value
        if isinstance(value, dict):
            if set(value) != {"amount", "currency"} or not _CURRENCY.fullmatch(str(value["currency"])):
                raise ValidationError("must be an amount and an ISO 4217 currency")
            amount = value["amount"]
        number = isinstance(amount, (str, int)) and not isinstance(amount, bool)
        if not number or not _AMOUNT.fullmatch(str(amount)):
            raise ValidationError(
                'must be a decimal number as a string, such as "25000000.00", of at most 15 digits and 6 decimals'
            )
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class Hours(fields.Field[Any]):
    """`{"mon": [["09:00", "18:00"]], ...}`; days that are not named are closed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or not set(value) <= set(WEEKDAYS):
            raise ValidationError(f"must be an object with days among {', '.join(WEEKDAYS)}")
        for day, spans in value.items():
            if not isinstance(spans, list) or not all(_is_span(span) for span in spans):
                raise ValidationError(f'{day}: must be a list of spans such as ["09:00", "18:00"]')
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


def reference(attribute: str, **options: Any) -> fields.String:
    """The id of another resource, kept in the column `attribute`."""
    return fields.String(attribute=attribute, validate=validate.Length(1, 40), **options)


def shown_once() -> fields.String:
    """A secret of the answer that made the resource; no row has it in this form."""
    return fields.String(dump_only=True, metadata={"description": "shown once, when made"})


def known_timezone(name: str) -> None:
    if name not in _timezones():
        raise ValidationError("is not a time zone of the IANA list, such as Asia/Almaty")


def known_region(code: str) -> None:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError("is not an ISO 3166 country code, such as KZ")


def _is_span(span: Any) -> bool:
    if not isinstance(span, list) or len(span) != 2:
        return False
    return all(isinstance(text, str) and _CLOCK.fullmatch(text) for text in span)


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
