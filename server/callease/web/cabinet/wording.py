"""Texts and figures as people of a language read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "ru"


def translator(locale: str) -> Callable[..., str]:
    """`t("key", name=value)`; a text with plural forms takes the one for `count`. Raises KeyError for a missing key."""
    texts, plural_form = _texts(locale), Locale(locale).plural_form

    def t(key: str, **values: Any) -> str:
        text = texts[key]
        if isinstance(text, dict):
            text = text.get(plural_form(values["count"]), text["other"])
        return str(text).format(**values)

    return t


@lru_cache(maxsize=len(LOCALES))
def _texts(locale: str) -> dict[str, Any]:
    path = resources.files("callease.web.cabinet").joinpath("texts", f"{locale}.json")
    texts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return texts


def when(at: datetime, locale: str, timezone: ZoneInfo) -> str:
    """`21 ноя., 14:05`, with the year when it is another one."""
    local = at.astimezone(timezone)
    form = "d MMM, HH:mm" if local.year == datetime.now(UTC).year else "d MMM y, HH:mm"
    return format_datetime(local, form, locale=locale)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def percent(share: float, locale: str) -> str:
    """Rounded down: 99.9 % are not 100."""
    return f"{int(share * 100 + 1e-9)}{' ' if locale == 'ru' else ''}%"


def tenths(share: float, locale: str) -> str:
    """A share in percent with one digit, rounded down, without the sign."""
    return format_decimal(int(share * 1_000 + 1e-9) / 10, format="0.0", locale=locale)


def number(count: float, locale: str) -> str:
    return format_decimal(count, locale=locale)


def figure(value: float, locale: str) -> str:
    """A count that is an estimate: whole from ten on, one digit after the point below."""
    return format_decimal(value, "#,##0" if abs(value) >= 10 else "#,##0.#", locale=locale)


def signed(value: float, locale: str) -> str:
    """The same as a change: `+12`, `\N{MINUS SIGN}0.4`."""
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
    return sign + figure(abs(value), locale)


def money(amount: Any, locale: str) -> str:
    """A decimal string, or an amount with its currency, where the portal said which."""
    of = amount if isinstance(amount, dict) else {"amount": amount, "currency": None}
    if of["currency"]:
        return format_currency(Decimal(of["amount"]), of["currency"], locale=locale)
    return format_decimal(Decimal(of["amount"]), "#,##0.00", locale=locale)


def age(seconds: float, t: Callable[..., str]) -> str:
    """A stretch of time in its largest whole unit."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length:
            return t(f"span.{unit}", n=int(seconds // length))
    return t("span.seconds", n=int(seconds))


def host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
