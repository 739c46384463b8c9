"""Errors carry a stable code and data; prose and HTTP belong to whoever shows them."""

from __future__ import annotations

from typing import Any


class CalleaseError(Exception):
    """The base of all expected errors."""

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class NotFound(CalleaseError):
    """The thing does not exist, or not for whoever asks."""

    def __init__(self, code: str = "not_found", **data: Any) -> None:
        super().__init__(code, **data)


class InvalidRequest(CalleaseError):
    """`fields` maps a field's name to the list of what is wrong with it."""

    def __init__(self, fields: dict[str, Any], code: str = "invalid_request") -> None:
        super().__init__(code, fields=fields)


class Unauthenticated(CalleaseError):
    def __init__(self, code: str = "unauthenticated", **data: Any) -> None:
        super().__init__(code, **data)


class Forbidden(CalleaseError):
    def __init__(self, code: str = "forbidden", **data: Any) -> None:
        super().__init__(code, **data)


class Conflict(CalleaseError):
    """The request contradicts the present state."""


class LimitExceeded(CalleaseError):
    """Too many; `retry_after` is in seconds."""

    def __init__(self, code: str, retry_after: int, **data: Any) -> None:
        super().__init__(code, retry_after=retry_after, **data)
        self.retry_after = retry_after


class Unavailable(CalleaseError):
    """A part that the answer needs is down; `code` names it: redis, database."""


class SettingError(Exception):
    """A setting has a wrong value: the start stops with this one line."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
