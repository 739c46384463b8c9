"""The cabinet as contract section 5 has it: a plain log-in form, and a card of one's own leads only."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from callease.web.services import Services
from tests.factories import PASSWORD, Cast
from tests.support.databases import on_both_databases

Row = dict[str, Any]
Enter = Callable[[Row], FlaskClient]


@pytest.fixture(autouse=True)
def nobody_has_tried(parts: Services) -> None:
    """Redis is the whole session's, and so are the failed log-ins that it counts."""
    if tried := parts.redis.client.keys("*callease-login*"):
        parts.redis.client.delete(*tried)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser that nobody has signed in with."""
    return app.test_client()


@pytest.fixture
def enter(app: Flask) -> Enter:
    def with_(user: Row) -> FlaskClient:
        browser = app.test_client()
        answer = browser.post("/cabinet/login", data={"email": user["email"], "password": PASSWORD})
        assert answer.status_code in (302, 303)
        assert "login" not in answer.headers["Location"]
        return browser

    return with_


@pytest.fixture
def leads(cast: Cast) -> dict[str, Row]:
    """One lead of each of two advertisers."""
    cast.telephone.call(cast.page().reveal("ZHK-1001", visitor="v").json["number"], "+77015550001")
    cast.telephone.call(cast.page().reveal("ZHK-2001", visitor="v").json["number"], "+77015550002")
    by_advertiser = {lead["advertiser"]: lead for lead in cast.api.all("/leads")}
    return {"alatau": by_advertiser[cast.alatau["id"]], "saryarka": by_advertiser[cast.saryarka["id"]]}


def is_turned_away(answer: TestResponse) -> bool:
    return answer.status_code in (401, 404) or (
        answer.status_code in (302, 303) and "login" in answer.headers["Location"]
    )


class TestTheForm:
    def test_it_is_plain(self, visitor: FlaskClient) -> None:
        text = visitor.get("/cabinet/login").text
        (form,) = re.findall(r"<form.*?</form>", text, re.S)
        assert 'method="post"' in form
        assert re.findall(r'<input[^>]+name="(email|password)"', form) == ["email", "password"]
        assert not re.search(r"<script|\son\w+=|\sstyle=|javascript:", text)

    def test_a_right_password_opens(self, cast: Cast, enter: Enter) -> None:
        assert enter(cast.user("owner")).get("/cabinet").status_code == 200

    @pytest.mark.parametrize("email", ["{email}", "  {email} ", "{EMAIL}"])
    def test_the_email_in_any_spelling(self, cast: Cast, visitor: FlaskClient, email: str) -> None:
        known = cast.user("owner")["email"]
        given = email.format(email=known, EMAIL=known.upper())
        answer = visitor.post("/cabinet/login", data={"email": given, "password": PASSWORD})
        assert answer.status_code in (302, 303)

    @pytest.mark.parametrize("form", [{}, {"email": "{email}"}, {"email": "{email}", "password": "wrong"},
                                      {"email": "nobody@bosaga.kz", "password": PASSWORD},
                                      {"email": "\x00", "password": "\x00"}])  # fmt: skip
    def test_anything_else_does_not(self, cast: Cast, visitor: FlaskClient, form: Row) -> None:
        known = cast.user("owner")["email"]
        answer = visitor.post("/cabinet/login", data={k: v.replace("{email}", known) for k, v in form.items()})
        assert answer.status_code in (400, 401)
        assert is_turned_away(visitor.get("/cabinet"))

    def test_who_has_no_password_has_no_way_in(self, cast: Cast, visitor: FlaskClient) -> None:
        cast.api.post("/users", {"email": "none@bosaga.kz", "role": "owner"})
        for password in ("", "None", "null", PASSWORD):
            visitor.post("/cabinet/login", data={"email": "none@bosaga.kz", "password": password})
            assert is_turned_away(visitor.get("/cabinet"))

    def test_guessing_is_slowed_down(self, cast: Cast, visitor: FlaskClient) -> None:
        form = {"email": cast.user("owner")["email"], "password": "wrong"}
        seen = [visitor.post("/cabinet/login", data=form).status_code for _ in range(15)]
        assert seen[0] == 401
        assert seen[-1] == 429
        assert visitor.post("/cabinet/login", data={**form, "password": PASSWORD}).status_code == 429

    def test_a_right_password_is_no_guess_however_often(self, cast: Cast, enter: Enter) -> None:
        for _ in range(12):
            enter(cast.user("owner"))

    @pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example/", "/\\evil.example",
                                       "javascript:alert(1)", "/cabinet/login", "/api/v1/leads"])  # fmt: skip
    def test_it_leads_nowhere_else(self, cast: Cast, visitor: FlaskClient, next_: str) -> None:
        form = {"email": cast.user("owner")["email"], "password": PASSWORD, "next": next_}
        assert visitor.post("/cabinet/login", data=form).headers["Location"] == "/cabinet"

    def test_it_leads_back_to_the_card_that_was_asked_for(
        self, cast: Cast, visitor: FlaskClient, leads: dict[str, Row]
    ) -> None:
        card = f"/cabinet/leads/{leads['alatau']['id']}"
        turned_away = visitor.get(card)
        assert is_turned_away(turned_away)
        form = re.search(r'name="next" value="([^"]*)"', visitor.get(turned_away.headers["Location"]).text)
        assert form
        sent = {"email": cast.user("owner")["email"], "password": PASSWORD, "next": form[1]}
        assert visitor.post("/cabinet/login", data=sent).headers["Location"] == card


class TestSessions:
    def test_the_cookie_is_for_the_cabinet_and_not_for_scripts(self, cast: Cast, visitor: FlaskClient) -> None:
        form = {"email": cast.user("owner")["email"], "password": PASSWORD}
        cookie = visitor.post("/cabinet/login", data=form).headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/cabinet" in cookie

    def test_signing_out_ends_it(self, cast: Cast, enter: Enter) -> None:
        browser = enter(cast.user("owner"))
        browser.post("/cabinet/logout")
        assert is_turned_away(browser.get("/cabinet"))

    def test_a_retired_user_is_out_at_once(self, cast: Cast, enter: Enter) -> None:
        user = cast.user("operator")
        browser = enter(user)
        cast.api.delete(f"/users/{user['id']}")
        assert is_turned_away(browser.get("/cabinet"))

    def test_a_new_password_ends_the_sessions_of_the_old_one(self, cast: Cast, enter: Enter) -> None:
        user = cast.user("operator")
        browser = enter(user)
        cast.api.patch(f"/users/{user['id']}", {"password": "quite another one"})
        assert is_turned_away(browser.get("/cabinet"))

    def test_a_forged_cookie_opens_nothing(self, cast: Cast, visitor: FlaskClient) -> None:
        visitor.set_cookie("callease", "eyJfdXNlcl9pZCI6InVzcl8xIn0.aaaa.bbbb", path="/cabinet")
        assert is_turned_away(visitor.get("/cabinet"))

    def test_a_token_of_the_api_is_no_session(self, cast: Cast, visitor: FlaskClient) -> None:
        headers = {"Authorization": f"Bearer {cast.token('owner')}"}
        assert is_turned_away(visitor.get("/cabinet", headers=headers))


class TestTheWall:
    def test_a_card_has_the_leads_id_in_its_address(self, cast: Cast, enter: Enter, leads: dict[str, Row]) -> None:
        browser = enter(cast.user("advertiser", cast.alatau))
        address = f"/cabinet/leads/{leads['alatau']['id']}"
        assert address in browser.get("/cabinet").text
        card = browser.get(address)
        assert card.status_code == 200
        assert "ZHK-1001" in card.text

    def test_somebody_elses_is_404_and_nowhere_to_be_seen(
        self, cast: Cast, enter: Enter, leads: dict[str, Row]
    ) -> None:
        browser = enter(cast.user("advertiser", cast.saryarka))
        foreign = leads["alatau"]["id"]
        nowhere = browser.get("/cabinet/leads/lead_nowhere")
        there = browser.get(f"/cabinet/leads/{foreign}")
        assert (there.status_code, there.text) == (404, nowhere.text)
        for action in ("claim", "close", "release", "reopen"):
            assert browser.post(f"/cabinet/leads/{foreign}/{action}").status_code == 404
        for query in ("", f"?office={cast.alatau_sales.id}", "?status=new", "?cursor=x"):
            for page in ("/cabinet", "/cabinet/leads/rows"):
                text = browser.get(f"{page}{query}").text
                assert foreign not in text
                assert "555 00 01" not in text
        browser.post("/cabinet/search", data={"q": "77015550001"})
        assert foreign not in browser.get("/cabinet").text
        assert cast.api.get(f"/leads/{foreign}")["status"] == "new"

    @pytest.mark.parametrize("path", ["/cabinet", "/cabinet/leads/rows", "/cabinet/leads/lead_1"])
    def test_without_a_session_nothing_is_shown(self, visitor: FlaskClient, path: str) -> None:
        assert is_turned_away(visitor.get(path))
        assert is_turned_away(visitor.post("/cabinet/search", data={"q": "x"}))
        assert is_turned_away(visitor.post("/cabinet/leads/lead_1/claim"))

    def test_a_moderator_reads_and_does_not_act(self, cast: Cast, enter: Enter, leads: dict[str, Row]) -> None:
        browser = enter(cast.user("moderator"))
        card = f"/cabinet/leads/{leads['alatau']['id']}"
        assert browser.get(card).status_code == 200
        assert "/claim" not in browser.get(card).text
        assert browser.post(f"{card}/claim").status_code == 403


class TestWork:
    def test_a_lead_is_claimed_and_closed(self, cast: Cast, enter: Enter, leads: dict[str, Row]) -> None:
        browser = enter(cast.user("advertiser", cast.alatau))
        card = f"/cabinet/leads/{leads['alatau']['id']}"
        for action, status in (("claim", "claimed"), ("close", "closed"), ("reopen", "new")):
            assert f"{card}/{action}" in browser.get(card).text
            assert browser.post(f"{card}/{action}").headers["Location"] == card
            assert cast.api.get(f"/leads/{leads['alatau']['id']}")["status"] == status
        assert browser.post(f"{card}/reopen").status_code == 409

    @pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
                                         {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://["}])  # fmt: skip
    def test_a_form_of_another_site_acts_for_nobody(
        self, cast: Cast, enter: Enter, leads: dict[str, Row], headers: dict[str, str]
    ) -> None:
        browser = enter(cast.user("owner"))
        answer = browser.post(f"/cabinet/leads/{leads['alatau']['id']}/claim", headers=headers)
        assert answer.status_code == 403
        assert cast.api.get(f"/leads/{leads['alatau']['id']}")["status"] == "new"

    def test_what_callers_write_is_text(self, cast: Cast, enter: Enter) -> None:
        odd = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        url = f"https://bosaga.kz/?{urlencode({'utm_source': odd, 'utm_campaign': odd, 'utm_term': odd})}"
        shown = cast.page().reveal("ZHK-1001", visitor="v", url=url).json["number"]
        (listing,) = cast.api.get("/listings?external_id=ZHK-1001")["data"]
        cast.api.patch(f"/listings/{listing['id']}", {"title": odd, "complex": odd})
        cast.telephone.event("ended", "c1", shown, answered_by=odd, recording_url="https://a.example/'\"><script>")
        (lead,) = cast.api.all("/leads")
        cast.api.patch(f"/leads/{lead['id']}", {"tags": [odd[:60]]})
        browser = enter(cast.user("owner"))
        for path in ("/cabinet", f"/cabinet/leads/{lead['id']}"):
            text = browser.get(path).text
            assert "<script>alert" not in text
            assert "<img src=x" not in text


class TestSecurity:
    def test_the_policy_lets_nothing_in(self, cast: Cast, enter: Enter) -> None:
        answer = enter(cast.user("owner")).get("/cabinet")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "no-store" in answer.headers["Cache-Control"] or "private" in answer.headers["Cache-Control"]
        assert not re.search(r"<script(?![^>]+src=)|<style|\son[a-z]+=|\sstyle=", answer.text)

    @pytest.mark.parametrize("language", ["ru", "en"])
    def test_in_both_languages(self, cast: Cast, enter: Enter, leads: dict[str, Row], language: str) -> None:
        browser = enter(cast.user("owner"))
        pages = ["/cabinet", f"/cabinet/leads/{leads['alatau']['id']}", "/cabinet/nothing"]
        for path in pages:
            text = browser.get(f"{path}?lang={language}").text
            assert f'<html lang="{language}">' in text
            skip = re.findall(r'<a class="skip"[^>]*>(.*?)</a>', text)
            assert bool(re.search("[А-я]{4}", str(skip))) is (language == "ru"), path

    @on_both_databases
    def test_odd_addresses_break_nothing(self, cast: Cast, enter: Enter, leads: dict[str, Row]) -> None:
        browser = enter(cast.user("owner"))
        for query in ("cursor=nonsense", "cursor=%00", "status=%00", "office=%00", "lang=%00", "q=%00", "cursor=W10",
                      "status=eaten", "office=off_nowhere"):  # fmt: skip
            for path in ("/cabinet", "/cabinet/leads/rows"):
                assert browser.get(f"{path}?{query}").status_code in (200, 400), query
        assert browser.get("/cabinet/leads/%00").status_code in (400, 404)
        assert browser.get("/cabinet/static/../../settings.py").status_code == 404
        browser.post("/cabinet/search", data={"q": "\x00%_' OR 1=1"})
        assert browser.get("/cabinet").status_code in (200, 400)

    def test_an_unknown_page_looks_like_the_cabinet(self, cast: Cast, enter: Enter) -> None:
        answer = enter(cast.user("owner")).get("/cabinet/nothing")
        assert (answer.status_code, answer.content_type) == (404, "text/html; charset=utf-8")
