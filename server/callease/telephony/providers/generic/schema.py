"""The generic provider's messages, as contract section 4 has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from callease.base.phones import provider_phone
from callease.numbers.codes import dialled_code
from callease.telephony.events import CallEventType, Disposition

# Up to twenty digits, with pauses and the keys that end a code anywhere among them.
_DIALLED = re.compile(r"(?:[*#,;.pPwW\s-]{0,20}[0-9]){0,20}[*#,;.pPwW\s-]{0,20}")


class CallPhone(fields.Field[Any]):
    """A phone in any spelling that telephony systems use; None for a hidden one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        return provider_phone(value)


class DialledPhone(CallPhone):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        phone = super()._deserialize(value, attr, data, **kwargs)
        if phone is None:
            raise ValidationError("is not a phone number in international form")
        return phone


class Digits(fields.Field[Any]):
    """What a caller dialled after the number, digits alone: telephones send pauses and keys with them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        if not isinstance(value, str) or not _DIALLED.fullmatch(value):
            raise ValidationError("is not what a telephone can dial")
        return dialled_code(value)


# No call was earlier; and next to the ends of the calendar even a change of time zone is an error.
_moment = validate.Range(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
_call_id = fields.String(required=True, validate=validate.Length(1, 200))


def _seconds() -> fields.Integer:
    return fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, 7 * 86_400))


class _Message(Schema):
    class Meta:
        unknown = EXCLUDE

    call_id = _call_id
    at = fields.AwareDateTime(required=True, format="iso", validate=_moment)
    caller = CallPhone(data_key="from", load_default=None, allow_none=True)
    dialled = DialledPhone(data_key="to", required=True)
    digits = Digits(load_default=None, allow_none=True)


class EventSchema(_Message):
    type = fields.Enum(CallEventType, by_value=True, required=True)
    disposition = fields.Enum(Disposition, by_value=True, load_default=None, allow_none=True)
    wait = _seconds()
    talk = _seconds()
    duration = _seconds()
    answered_by = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 100))
    recording_url = fields.Url(load_default=None, allow_none=True, schemes={"http", "https"}, require_tld=False)


class RouteSchema(_Message):
    at = fields.AwareDateTime(load_default=None, allow_none=True, format="iso", validate=_moment)
