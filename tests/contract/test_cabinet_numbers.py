"""The cabinet's page about numbers: it works without script, and says no more than its reader may know."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from callease.base.clock import SetClock
from callease.web.services import Services
from tests.factories import PASSWORD, Cast
from tests.support.planning import Desk, Row

Enter = Callable[[Row], FlaskClient]


@pytest.fixture
def enter(app: Flask) -> Enter:
    def with_(user: Row) -> FlaskClient:
        browser = app.test_client()
        browser.post("/cabinet/login", data={"email": user["email"], "password": PASSWORD})
        return browser

    return with_


@pytest.fixture
def desk(cast: Cast, parts: Services, clock: SetClock) -> Desk:
    desk = Desk(cast, parts.database, clock, parts.planner)
    desk.a_busy_and_an_idle_office()
    return desk


def ids_on(browser: FlaskClient) -> list[str]:
    return re.findall(r'data-proposal="(\w+)"', browser.get("/cabinet/numbers").text)


def test_it_shows_what_is_proposed_in_its_order(desk: Desk, enter: Enter) -> None:
    proposals = desk.look()
    browser = enter(desk.cast.user("owner"))
    assert ids_on(browser) == [each["id"] for each in proposals]
    assert 'href="/cabinet/numbers"' in browser.get("/cabinet").text


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_kind_in_both_languages(desk: Desk, enter: Enter, language: str) -> None:
    for _, e164 in desk.cast.saryarka_sales.numbers:
        desk.seen(desk.cast.saryarka_sales, e164, paid_search=20, direct=300)
    desk.cast.api.patch(f"/sites/{desk.cast.site['id']}", {"objective": "session"})
    kinds = {each["kind"] for each in desk.look()}
    assert kinds >= {"unsplit", "move", "buy"}
    text = enter(desk.cast.user("owner")).get(f"/cabinet/numbers?lang={language}").text
    assert f'<html lang="{language}">' in text
    (title,) = re.findall(r"<h1>(.*?)</h1>", text)
    assert bool(re.search("[А-я]{4}", title)) is (language == "ru")
    assert set(re.findall(r'data-kind="(\w+)"', text)) == kinds
    assert not re.search(r"<script(?![^>]+src=)|<style|\son[a-z]+=|\sstyle=", text)


def test_approving_and_dismissing_with_plain_forms(desk: Desk, enter: Enter) -> None:
    move, *_, purchase = desk.look()
    browser = enter(desk.cast.user("owner"))
    for proposal, action, state in ((move, "approve", "done"), (purchase, "dismiss", "dismissed")):
        answer = browser.post(f"/cabinet/numbers/{proposal['id']}/{action}")
        assert answer.headers["Location"] == "/cabinet/numbers"
        decided = desk.cast.api.get(f"/proposals/{proposal['id']}")
        assert (decided["state"], decided["decided_by"]) == (state, desk.cast.user("owner")["id"])
        assert proposal["id"] not in ids_on(browser)


def test_an_approved_purchase_is_waited_for(desk: Desk, enter: Enter) -> None:
    purchase = desk.look()[-1]
    browser = enter(desk.cast.user("manager"))
    browser.post(f"/cabinet/numbers/{purchase['id']}/approve")
    text = browser.get("/cabinet/numbers").text
    assert purchase["id"] in ids_on(browser)
    assert f"/{purchase['id']}/approve" not in text
    assert f"/{purchase['id']}/dismiss" in text


def test_who_comes_too_late_is_told(desk: Desk, enter: Enter) -> None:
    move, *_ = desk.look()
    browser = enter(desk.cast.user("owner"))
    desk.cast.api.delete(f"/numbers/{move['numbers'][0]}")
    for hint in ("Предложение устарело", "уже решили"):
        answer = browser.post(f"/cabinet/numbers/{move['id']}/approve")
        assert (answer.status_code, hint in answer.text) == (409, True)


def test_a_look_may_be_asked_for(desk: Desk, enter: Enter) -> None:
    browser = enter(desk.cast.user("owner"))
    assert browser.post("/cabinet/numbers/look").headers["Location"] == "/cabinet/numbers"
    assert 'action="/cabinet/numbers/look"' not in browser.get("/cabinet/numbers").text
    desk.turn()
    text = browser.get("/cabinet/numbers").text
    assert 'action="/cabinet/numbers/look"' in text
    assert ids_on(browser)


def test_before_there_is_anything_to_say(cast: Cast, parts: Services, clock: SetClock, enter: Enter) -> None:
    browser, desk = enter(cast.user("owner")), Desk(cast, parts.database, clock, parts.planner)
    for _ in range(2):
        answer = browser.get("/cabinet/numbers?lang=en")
        assert "Too early for advice" in answer.text
        desk.turn()


def test_it_leads_to_how_many_are_needed_whoever_may_know(desk: Desk, enter: Enter) -> None:
    for role, links in (("manager", 2), ("operator", 0)):
        text = enter(desk.cast.user(role)).get("/cabinet/numbers").text
        assert len(re.findall('href="/cabinet/sizing"', text)) == links


def test_who_may_only_read_gets_no_buttons(desk: Desk, enter: Enter) -> None:
    proposals = desk.look()
    browser = enter(desk.cast.user("operator"))
    assert len(ids_on(browser)) == len(proposals)
    assert "/approve" not in browser.get("/cabinet/numbers").text
    assert browser.post(f"/cabinet/numbers/{proposals[0]['id']}/approve").status_code == 403
    assert browser.post("/cabinet/numbers/look").status_code == 403
    assert desk.proposals("proposed") == proposals


def test_an_advertiser_does_not_know_of_it(desk: Desk, enter: Enter) -> None:
    proposals = desk.look()
    browser = enter(desk.cast.user("advertiser", desk.cast.alatau))
    assert browser.get("/cabinet/numbers").status_code == 404
    assert browser.post(f"/cabinet/numbers/{proposals[0]['id']}/approve").status_code == 404
    assert "/cabinet/numbers" not in browser.get("/cabinet").text


def test_a_form_of_another_site_decides_nothing(desk: Desk, enter: Enter) -> None:
    proposals = desk.look()
    browser = enter(desk.cast.user("owner"))
    answer = browser.post(f"/cabinet/numbers/{proposals[0]['id']}/approve", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert desk.proposals("proposed") == proposals


def test_names_are_text(desk: Desk, enter: Enter) -> None:
    odd = "<img src=x onerror=alert(1)>\"'{count}"
    desk.cast.api.patch(f"/offices/{desk.cast.alatau_sales.id}", {"name": odd})
    desk.look()
    assert "<img src=x" not in enter(desk.cast.user("owner")).get("/cabinet/numbers").text
