"""Where a call goes: the owner table, nothing else. Pure logic.

The office of a call is known without any lease. The advertiser's plan, the office's hours and its overflow office
change who is rung, never whose call it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callease.catalog.hours import is_open

FREE_PLAN = "free"


@dataclass(frozen=True)
class OfficeFacts:
    """`destinations`: `{"to", "timeout"}` in the order that they are rung; `timezone` is filled in already."""

    id: str
    name: str
    advertiser_id: str | None
    plan: str | None
    destinations: list[dict[str, Any]]
    hours: dict[str, Any] | None
    timezone: str
    overflow_office_id: str | None


@dataclass(frozen=True)
class NumberFacts:
    """A number that Callease knows, and who owns it."""

    id: str
    e164: str
    office_id: str
    source_class: str | None
    role: str
    owner_since: datetime
    state: str


@dataclass(frozen=True)
class Ring:
    """Who is rung and why: `reason` is own, call_centre (free plan), overflow, closed or nobody."""

    destinations: list[dict[str, Any]]
    reason: str
    office_id: str


def ring(office: OfficeFacts, overflow: OfficeFacts | None, call_centre: OfficeFacts | None, at: datetime) -> Ring:
    """An office that is closed and has no overflow is rung all the same: a ringing phone beats a dead number."""
    if office.plan == FREE_PLAN and call_centre and call_centre.destinations:
        return Ring(call_centre.destinations, "call_centre", call_centre.id)
    opened = is_open(office.hours, office.timezone, at)
    if not opened and overflow and overflow.destinations:
        return Ring(overflow.destinations, "overflow", overflow.id)
    if office.destinations:
        return Ring(office.destinations, "own" if opened else "closed", office.id)
    for other in (overflow, call_centre):
        if other and other.destinations:
            return Ring(other.destinations, "overflow" if other is overflow else "call_centre", other.id)
    return Ring([], "nobody", office.id)


_DIAL_THE_CODE = {
    "ru": "Наберите, пожалуйста, добавочный номер или оставайтесь на линии.",
    "kk": "Қосымша нөмірді теріңіз немесе желіде күте тұрыңыз.",
    "en": "Please dial the extension, or stay on the line.",
}


def prompt_for_code(locale: str) -> str:
    """What a caller hears who has not dialled a code yet."""
    return _DIAL_THE_CODE.get(locale[:2], _DIAL_THE_CODE["en"])


_SOURCE_WORD = {"ru": "Источник", "kk": "Дереккөз", "en": "Source"}


def whisper(locale: str, site_name: str | None, listing_title: str | None, source: str | None) -> str:
    """What the answering person hears first: portal, listing, source; empty when nothing of it is known."""
    word = _SOURCE_WORD.get(locale[:2], _SOURCE_WORD["en"])
    parts = [site_name, listing_title, f"{word}: {source}" if source else None]
    return ". ".join(part.rstrip(". ") for part in parts if part) + ("." if any(parts) else "")
