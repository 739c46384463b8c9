"""One number for many: digits that a caller dials lead to the office, listing and visitor, contract section 4."""

import html
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from callease.web.services import Services
from tests.contract.conftest import refused
from tests.factories import CALL_CENTRE_PHONE, PASSWORD, Cast
from tests.support.databases import on_both_databases
from tests.support.extensions import COMMON, QALA_PHONE, Extended, extend
from tests.support.people import new_call_id, rfc3339

Row = dict[str, Any]
CARD = {
    "ru": (
        "На этот офис указал добавочный номер.",
        "Звонящий набрал добавочный {}: вместе с этим номером его показали посетителю.",
        "Звонящий набрал добавочный {}, но такого мы никому не выдавали.",
        "У номера есть добавочные, но звонящий ничего не донабрал.",
    ),
    "en": (
        "The extension they dialled leads to this office.",
        "The caller dialled extension {}: a visitor was given it with this number.",
        "The caller dialled extension {}, which nobody was given.",
        "The number takes extensions, and the caller dialled none.",
    ),
}
CERTAIN = {"office": 1.0, "source": 1.0, "session": 1.0}


@pytest.fixture
def extended(cast: Cast) -> Extended:
    return extend(cast)


@pytest.fixture
def shown(extended: Extended) -> Row:
    """What a visitor from a paid search sees."""
    for n in range(3):
        extended.reveal(f"before {n}")
    found = extended.reveal("v", session="s", url="https://bosaga.kz/ZHK-4001?gclid=g1")
    extended.reveal("after", extended.other)
    return found


def route(extended: Extended, caller: str | None = "+77011234567", **fields: Any) -> Row:
    answer = extended.cast.telephone.route(fields.pop("call", new_call_id()), COMMON, caller, **fields)
    assert answer.status == 200, answer.body
    told: Row = answer.json
    return told


def leads(extended: Extended, call: str) -> list[Row]:
    (row,) = extended.cast.api.all(f"/calls?provider_call_id={call}")
    found: list[Row] = extended.cast.api.all(f"/leads?call={row['id']}")
    return found


def reaches_qala(told: Row, extended: Extended, shown: Row) -> None:
    assert (told["office"], told["advertiser"]) == (extended.office.id, extended.qala["id"])
    assert (told["listing"], told["lease"]) == (extended.listing, shown["lease"])
    assert told["confidence"] == CERTAIN
    assert [each["to"] for each in told["destinations"]] == [QALA_PHONE]
    assert "collect" not in told


def reaches_the_call_centre(told: Row, extended: Extended) -> None:
    assert (told["office"], told["advertiser"]) == (extended.cast.call_centre.id, None)
    assert [each["to"] for each in told["destinations"]] == [CALL_CENTRE_PHONE]


class TestWhatAPageIsTold:
    @pytest.mark.parametrize(
        ("locale", "word"), [("ru", "доб."), ("kk", "қос."), ("kk-KZ", "қос."), ("en", "ext."), ("de", "ext.")]
    )
    def test_the_number_the_code_and_both_written(self, extended: Extended, locale: str, word: str) -> None:
        extended.cast.api.patch(f"/sites/{extended.cast.site['id']}", {"locale": locale})
        told = extended.reveal("v")
        assert told["number"] == COMMON
        assert told["display"] == f"8 (7172) 69 00 00 {word} {told['extension']}"
        assert (told["kind"], told["ttl"]) == ("dynamic", 1_800)

    def test_other_leases_have_none(self, cast: Cast) -> None:
        assert "extension" not in cast.page().reveal("ZHK-1001", visitor="v").json


class TestRoutes:
    @on_both_databases
    @pytest.mark.parametrize("dialled", ["{}", "{}#", "*{}#", ",,{}", " {} "])
    def test_a_code_leads_to_its_lease(self, extended: Extended, shown: Row, dialled: str) -> None:
        reaches_qala(route(extended, digits=dialled.format(shown["extension"])), extended, shown)

    def test_with_redis_gone(self, extended: Extended, shown: Row, parts: Services) -> None:
        parts.redis.call(lambda client: client.flushall())
        reaches_qala(route(extended, digits=shown["extension"]), extended, shown)

    def test_weeks_later_and_with_a_hidden_number(self, extended: Extended, shown: Row) -> None:
        at = rfc3339(datetime.now(UTC) + timedelta(days=50))
        reaches_qala(route(extended, None, digits=shown["extension"], at=at), extended, shown)

    def test_before_the_code_was_given_it_was_none(self, extended: Extended, shown: Row) -> None:
        at = rfc3339(datetime.now(UTC) - timedelta(hours=1))
        reaches_the_call_centre(route(extended, digits=shown["extension"], at=at), extended)

    @pytest.mark.parametrize("digits", ["599", "2", "7777777", "911"])
    def test_any_other_leads_to_the_owner(self, extended: Extended, shown: Row, digits: str) -> None:
        told = route(extended, digits=digits)
        reaches_the_call_centre(told, extended)
        assert "collect" not in told

    def test_a_code_of_another_number_is_none(self, extended: Extended, shown: Row) -> None:
        number = extended.cast.api.post("/numbers", {"e164": "+77172690077", "role": "extension"})
        told = extended.cast.telephone.route("c", number["e164"], digits=shown["extension"]).json
        reaches_the_call_centre(told, extended)

    def test_without_one_the_caller_is_asked_once(self, extended: Extended, shown: Row) -> None:
        told = route(extended)
        reaches_the_call_centre(told, extended)
        assert told["collect"] == {
            "prompt": "Наберите, пожалуйста, добавочный номер или оставайтесь на линии.",
            "locale": "ru",
            "timeout": 4,
        }
        silent = route(extended, digits="")
        reaches_the_call_centre(silent, extended)
        assert "collect" not in silent

    def test_asked_again_with_the_code(self, extended: Extended, shown: Row) -> None:
        reaches_the_call_centre(route(extended, call="c"), extended)
        reaches_qala(route(extended, call="c", digits=shown["extension"]), extended, shown)
        reaches_qala(route(extended, call="c"), extended, shown)

    def test_a_retired_office_is_not_rung(self, extended: Extended, shown: Row) -> None:
        extended.cast.api.delete(f"/offices/{extended.office.id}")
        reaches_the_call_centre(route(extended, digits=shown["extension"]), extended)

    def test_whoever_owns_the_number_by_now(self, extended: Extended, shown: Row) -> None:
        other = extended.cast.api.post("/offices", {"advertiser": None, "name": "Night shift"})
        extended.cast.api.patch(f"/numbers/{extended.common['id']}", {"office": other["id"]})
        reaches_qala(route(extended, digits=shown["extension"]), extended, shown)

    def test_a_caller_without_a_code_is_the_owners_and_remembered(self, extended: Extended, shown: Row) -> None:
        """The call centre answers for all, so it may know what the caller dialled yesterday."""
        route(extended, "+77019999999", digits=shown["extension"])
        told = route(extended, "+77019999999", digits="#", at=rfc3339(datetime.now(UTC) + timedelta(days=1)))
        reaches_the_call_centre(told, extended)
        assert (told["listing"], told["lease"]) == (extended.listing, shown["lease"])
        assert told["confidence"]["session"] < 1


class TestEvents:
    def test_digits_of_an_event(self, extended: Extended, shown: Row) -> None:
        telephone = extended.cast.telephone
        telephone.event("ringing", "c", COMMON, digits=f"{shown['extension']}#")
        telephone.event("ended", "c", COMMON, disposition="answered", talk=5)
        (lead,) = leads(extended, "c")
        assert (lead["advertiser"], lead["office"]) == (extended.qala["id"], extended.office.id)
        attribution = lead["attribution"]
        assert (attribution["method"], attribution["confidence"]) == ("extension", CERTAIN)
        assert (attribution["lease"], attribution["source_class"]) == (shown["lease"], "paid_search")
        assert attribution["candidates"][0]["p"] == 1.0
        assert lead["listing"]["id"] == extended.listing

    @pytest.mark.parametrize("digits_come_with", ["ringing", "answered", "ended"])
    def test_whichever_event_brings_them_the_lead_follows(
        self, extended: Extended, shown: Row, digits_come_with: str
    ) -> None:
        for type_ in ("ringing", "answered", "ended"):
            digits = {"digits": shown["extension"]} if type_ == digits_come_with else {}
            assert extended.cast.telephone.event(type_, "c", COMMON, **digits).status == 200
        (lead,) = leads(extended, "c")
        assert (lead["advertiser"], lead["attribution"]["method"]) == (extended.qala["id"], "extension")
        mine = extended.cast.api_of("advertiser", extended.qala).all("/leads")
        assert [each["id"] for each in mine] == [lead["id"]]

    def test_digits_of_the_question_and_events_without(self, extended: Extended, shown: Row) -> None:
        telephone = extended.cast.telephone
        telephone.event("ringing", "c", COMMON)
        route(extended, call="c", digits=shown["extension"])
        telephone.event("ended", "c", COMMON, disposition="missed")
        (lead,) = leads(extended, "c")
        assert (lead["advertiser"], lead["attribution"]["confidence"]) == (extended.qala["id"], CERTAIN)

    @pytest.mark.parametrize("order", list(itertools.permutations(("ringing", "answered", "ended", "route"))))
    def test_in_any_order_it_is_the_same_lead(self, extended: Extended, shown: Row, order: tuple[str, ...]) -> None:
        for type_ in order:
            if type_ == "route":
                route(extended, call="c")
            else:
                digits = {"digits": shown["extension"]} if type_ == "answered" else {}
                extended.cast.telephone.event(type_, "c", COMMON, **digits)
        (lead,) = leads(extended, "c")
        assert (lead["advertiser"], lead["attribution"]["confidence"]) == (extended.qala["id"], CERTAIN)

    def test_a_code_after_the_first_ring_moves_the_lead_while_it_still_rings(
        self, extended: Extended, shown: Row
    ) -> None:
        extended.cast.telephone.event("ringing", "c", COMMON)
        assert leads(extended, "c")[0]["advertiser"] is None
        route(extended, call="c", digits=shown["extension"])
        extended.cast.telephone.event("ringing", "c", COMMON)
        assert leads(extended, "c")[0]["advertiser"] == extended.qala["id"]

    def test_another_advertiser_learns_nothing(self, extended: Extended, shown: Row) -> None:
        extended.cast.telephone.event("ringing", "c", COMMON, digits=shown["extension"])
        assert extended.cast.api_of("advertiser", extended.cast.alatau).all("/leads") == []

    @pytest.mark.parametrize(
        ("digits", "steps"),
        [
            ("{}", ["extension_match"]),
            ("599", ["number_owner", "extension_unknown"]),
            (None, ["extension_missing", "number_owner"]),
        ],
    )
    def test_the_evidence_says_what_was_dialled(
        self, extended: Extended, shown: Row, digits: str | None, steps: list[str]
    ) -> None:
        dialled = digits.format(shown["extension"]) if digits else None
        extended.cast.telephone.event("ringing", "c", COMMON, digits=dialled)
        (call,) = extended.cast.api.all("/calls?provider_call_id=c")
        assert [step["key"] for step in call["evidence"]][: len(steps)] == steps

    @pytest.mark.parametrize("language", ["ru", "en"])
    def test_the_card_says_it_in_words(self, extended: Extended, shown: Row, app: Flask, language: str) -> None:
        browser, user = app.test_client(), extended.cast.user("owner")
        browser.post("/cabinet/login", data={"email": user["email"], "password": PASSWORD})
        for digits, sentences in ((shown["extension"], 2), ("599", 1), (None, 1)):
            call = new_call_id()
            extended.cast.telephone.event("ringing", call, COMMON, digits=digits)
            (lead,) = leads(extended, call)
            page = html.unescape(browser.get(f"/cabinet/leads/{lead['id']}?lang={language}").text)
            said = [each for each in CARD[language] if each.format(digits) in page]
            assert len(said) == sentences, said


class TestNumbers:
    def test_without_an_owner_it_is_the_call_centres(self, extended: Extended) -> None:
        assert extended.common["office"] == extended.cast.call_centre.id

    def test_any_other_number_needs_one(self, cast: Cast) -> None:
        for role in ("lease", "static"):
            answer = cast.api.ask("POST", "/numbers", {"e164": COMMON, "role": role})
            assert refused(answer, 400, "invalid_request")["fields"] == {"office": ["Missing data for required field."]}
        answer = cast.api.ask("POST", "/numbers", {"e164": COMMON})
        assert refused(answer, 400, "invalid_request")["fields"] == {"office": ["Missing data for required field."]}

    def test_without_a_call_centre_it_needs_one_too(self, cast: Cast) -> None:
        cast.api.delete(f"/offices/{cast.call_centre.id}")
        answer = cast.api.ask("POST", "/numbers", {"e164": COMMON, "role": "extension"})
        assert list(refused(answer, 400, "invalid_request")["fields"]) == ["office"]

    def test_imported_too(self, cast: Cast) -> None:
        rows = [{"e164": COMMON, "role": "extension"}, {"e164": "+77172690078", "role": "lease"}]
        answer = cast.api.ask("POST", "/number-imports", rows)
        (problem,) = refused(answer, 400, "invalid_request")["fields"]["rows"]
        assert (problem["row"], list(problem["errors"])) == (2, ["office"])
        (made,) = cast.api.post("/number-imports", rows[:1])["data"]
        assert made["office"] == cast.call_centre.id

    def test_other_fields_can_be_changed(self, extended: Extended) -> None:
        changed = extended.cast.api.patch(f"/numbers/{extended.common['id']}", {"monthly_cost": "9.00"})
        assert (changed["monthly_cost"], changed["office"]) == ("9.00", extended.cast.call_centre.id)
        assert extended.cast.api.patch(f"/numbers/{extended.common['id']}", changed) == changed
