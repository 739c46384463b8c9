"""The cabinet's page of what to buy: the last result with its date, in Russian and English, for those who may buy."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from callease.base.clock import SetClock
from callease.planning.sizing_states import SizingProblem
from callease.planning.sizings import Sizings
from callease.web.services import Services
from tests.contract.api.test_sizings import RESULT
from tests.factories import PASSWORD, Cast
from tests.support.http import Api

Enter = Callable[..., FlaskClient]


@pytest.fixture
def enter(app: Flask, cast: Cast) -> Enter:
    def as_(role: str, advertiser: dict[str, Any] | None = None) -> FlaskClient:
        browser = app.test_client()
        form = {"email": cast.user(role, advertiser)["email"], "password": PASSWORD}
        assert browser.post("/cabinet/login", data=form).status_code in (302, 303)
        return browser

    return as_


def _text(browser: FlaskClient, query: str = "") -> str:
    answer = browser.get(f"/cabinet/sizing{query}")
    assert answer.status_code == 200
    assert not re.search(r"\son\w+=|\sstyle=|<script", answer.text)
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))
    return plain.replace("\xa0", " ").replace("\u202f", " ")


def _record(cast: Cast, parts: Services, clock: SetClock, **changes: Any) -> None:
    id_ = cast.api.post("/sizings", {"site": cast.site["id"]})["id"]
    Sizings(parts.database, clock).record(id_, RESULT | changes)


def test_it_is_asked_for_and_waited_for(enter: Enter, cast: Cast) -> None:
    browser = enter("owner")
    assert "Расчёта ещё не было" in _text(browser)
    asked = browser.post("/cabinet/sizing", data={"site": cast.site["id"]})
    assert asked.headers["Location"] == f"/cabinet/sizing?site={cast.site['id']}"
    assert "Считаем" in _text(browser)
    assert [row["state"] for row in cast.api.all("/sizings")] == ["waiting"]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ru", ["Сейчас номеров: 40", "97,0", "от 96,0 до 98,0", "Ещё 10 номеров.", "15 000,00 KZT", "больше 40",
                "в 99,9 из 100 звонков", "6 015", "часы и дни недели"]),
        ("en", ["You have 40 numbers", "97.0", "96.0 to 98.0", "10 more numbers.", "KZT15,000.00", "more than 40",
                "in 99.9 of 100 calls", "6,015", "hours and days of the week"]),
    ],
)  # fmt: skip
def test_the_result_reads_in_both_languages(
    enter: Enter, cast: Cast, parts: Services, clock: SetClock, lang: str, words: list[str]
) -> None:
    _record(cast, parts, clock)
    text = _text(enter("manager"), f"?lang={lang}")
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": None, "owned": None, "now": None,
          "next_best": RESULT["next_best"] | {"more": 20, "source_gain": None, "session_gain": None, "price": None}},
         ["Номеров пока нет", "Сначала купите 20 номеров"]),
        ({"numbers": 12, "now": None,
          "next_best": RESULT["next_best"] | {"more": 8, "source_gain": None, "session_gain": None}},
         ["Номеров 12, а офисов 20", "Сначала купите 8 номеров"]),
        ({"next_best": RESULT["next_best"] | {"price": {"amount": "15000", "currency": None}}},
         ["Это 15 000,00 в месяц"]),
        ({"next_best": RESULT["next_best"] | {"more": 3}}, ["Ещё 3 номера."]),
        ({"next_best": RESULT["next_best"] | {"more": 21}}, ["Ещё 21 номер."]),
        ({"next_best": None}, ["точность почти не вырастет"]),
        ({"counted": RESULT["counted"] | {"too_short": True}}, ["Данных пока мало, чтобы решать о покупке"]),
    ],
)  # fmt: skip
def test_each_situation_has_its_words(
    enter: Enter, cast: Cast, parts: Services, clock: SetClock, changes: dict[str, Any], words: list[str]
) -> None:
    _record(cast, parts, clock, **changes)
    text = _text(enter("owner"))
    assert [word for word in words if word not in text] == []


def test_a_failure_does_not_hide_the_last_result(enter: Enter, cast: Cast, parts: Services, clock: SetClock) -> None:
    _record(cast, parts, clock)
    clock.advance(60)
    id_ = cast.api.post("/sizings", {"site": cast.site["id"]})["id"]
    Sizings(parts.database, clock).record(id_, SizingProblem.NOTHING_COUNTED)
    text = _text(enter("owner"))
    assert "никто не нажимал" in text
    assert "Сейчас номеров: 40" in text


def test_who_may_not_buy_does_not_see_it(enter: Enter, cast: Cast) -> None:
    for browser in (enter("operator"), enter("advertiser", cast.alatau)):
        assert browser.get("/cabinet/sizing").status_code == 404
        assert browser.post("/cabinet/sizing", data={"site": cast.site["id"]}).status_code == 404
        assert "/cabinet/sizing" not in browser.get("/cabinet").text
    assert "/cabinet/sizing" in enter("manager").get("/cabinet").text


def test_before_there_is_a_site_it_says_what_to_do(app: Flask, api: Api) -> None:
    api.post("/users", {"email": "owner@bosaga.kz", "name": "owner", "role": "owner", "password": PASSWORD})
    browser = app.test_client()
    browser.post("/cabinet/login", data={"email": "owner@bosaga.kz", "password": PASSWORD})
    text = _text(browser)
    assert "POST /api/v1/sites" in text
    assert "Посчитать" not in text


def test_it_leads_to_what_could_be_better_for_free(enter: Enter) -> None:
    assert len(re.findall('href="/cabinet/numbers"', enter("manager").get("/cabinet/sizing").text)) == 2


def test_an_unknown_site_is_not_there(enter: Enter) -> None:
    assert enter("owner").get("/cabinet/sizing?site=sit_nowhere").status_code == 404
    assert enter("owner").post("/cabinet/sizing", data={"site": "sit_nowhere"}).status_code == 404
