"""Who is rung: the owner, and what plan, hours and overflow make of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callease.telephony.routing import OfficeFacts, ring, whisper

NOON = datetime(2026, 11, 20, 7, tzinfo=UTC)  # a Friday, noon in Almaty
NIGHT = datetime(2026, 11, 20, 20, tzinfo=UTC)
WORKDAYS = {"fri": [["09:00", "18:00"]]}


def office(name: str, **facts: object) -> OfficeFacts:
    known: dict[str, object] = {"advertiser_id": "adv_1", "plan": "cpl", "hours": None, "overflow_office_id": None}
    known |= {"destinations": [{"to": f"sip:{name}@pbx", "timeout": 25}], "timezone": "Asia/Almaty", **facts}
    return OfficeFacts(id=f"off_{name}", name=name, **known)  # type: ignore[arg-type]


OWN = office("own", hours=WORKDAYS)
OVERFLOW, CENTRE = office("overflow", plan=None), office("centre", advertiser_id=None, plan=None)
SILENT = {"destinations": []}

CASES = [
    ("open", OWN, OVERFLOW, CENTRE, NOON, ("own", "off_own")),
    ("closed, with overflow", OWN, OVERFLOW, CENTRE, NIGHT, ("overflow", "off_overflow")),
    ("closed, without", OWN, None, CENTRE, NIGHT, ("closed", "off_own")),
    ("closed, silent overflow", OWN, replace(OVERFLOW, **SILENT), None, NIGHT, ("closed", "off_own")),
    ("free plan", replace(OWN, plan="free"), OVERFLOW, CENTRE, NOON, ("call_centre", "off_centre")),
    ("free plan at night", replace(OWN, plan="free"), OVERFLOW, CENTRE, NIGHT, ("call_centre", "off_centre")),
    ("free plan, no call centre", replace(OWN, plan="free"), None, None, NOON, ("own", "off_own")),
    ("free plan, silent call centre", replace(OWN, plan="free"), None, replace(CENTRE, **SILENT), NOON,
     ("own", "off_own")),
    ("silent office", replace(OWN, **SILENT), OVERFLOW, CENTRE, NOON, ("overflow", "off_overflow")),
    ("silent office and overflow", replace(OWN, **SILENT), None, CENTRE, NOON, ("call_centre", "off_centre")),
    ("nobody at all", replace(OWN, **SILENT), None, None, NOON, ("nobody", "off_own")),
]  # fmt: skip


@pytest.mark.parametrize(("own", "overflow", "centre", "at", "expected"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_who_is_rung(
    own: OfficeFacts, overflow: OfficeFacts | None, centre: OfficeFacts | None, at: datetime, expected: tuple[str, str]
) -> None:
    rung = ring(own, overflow, centre, at)
    assert (rung.reason, rung.office_id) == expected
    assert rung.destinations == (
        []
        if expected[0] == "nobody"
        else {each.id: each for each in (own, overflow, centre) if each}[expected[1]].destinations
    )


@pytest.mark.parametrize(
    ("locale", "site", "listing", "source", "said"),
    [
        ("ru", "Босаға", "2-комнатная", "google", "Босаға. 2-комнатная. Источник: google."),
        ("kk-KZ", "Босаға", None, "krisha", "Босаға. Дереккөз: krisha."),
        ("en", "Bosaga.", "Flat 7.", None, "Bosaga. Flat 7."),
        ("de", None, None, "google", "Source: google."),
        ("ru", None, None, None, ""),
    ],
)
def test_what_the_answering_person_hears(
    locale: str, site: str | None, listing: str | None, source: str | None, said: str
) -> None:
    assert whisper(locale, site, listing, source) == said
