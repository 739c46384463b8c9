"""The whole road: a click on "Show number", a call, and the lead in the right cabinet, with nobody else looking in."""

import re
from collections.abc import Callable

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.conftest import Demo
from tests.support.waiting import eventually

LISTING = "ZHK-1011"
FROM_AN_ADVERTISEMENT = "utm_source=google&utm_medium=cpc&utm_campaign=road_test&utm_term=flat"
CALLER = "+77017654321"
PASSWORD = "bosaga-demo"

Browsers = Callable[[], Chrome]


def test_from_the_click_to_the_lead(demo: Demo, browsers: Browsers) -> None:
    seller, stranger, visitor = browsers(), browsers(), browsers()
    sign_in(seller, demo, "kabyrga@bosaga.example")
    sign_in(stranger, demo, "belagash@bosaga.example")
    leads_before, strangers_before = lead_ids(seller), lead_ids(stranger)

    number = reveal(visitor, f"{demo.address}/listing/{LISTING}?{FROM_AN_ADVERTISEMENT}")
    call(visitor, demo, number)

    new = eventually(lambda: [lead for lead in lead_ids(seller) if lead not in leads_before], 15)
    assert len(new) == 1, "one call makes one lead"
    selector = f'tr[data-lead="{new[0]}"]'
    # The list may have shown it while it rang.
    eventually(lambda: "1:35" in text_of(seller, selector), 15)
    assert CALLER[-4:] in text_of(seller, selector) and "road_test" in text_of(seller, selector)
    assert lead_ids(seller)[0] == new[0], "the newest is the first"

    one(seller, f"{selector} a.caller").send_keys(Keys.ENTER)
    card = eventually(lambda: seller.find_elements(By.CSS_SELECTOR, ".sures"), 10)[0]
    assert "100" in card.text, "the office is certain"
    page = one(seller, "main").text
    for expected in ("google", "cpc", "road_test", "flat", "112,4"):
        assert expected in page, expected
    assert len(seller.find_elements(By.CSS_SELECTOR, ".evidence li")) >= 3
    assert_no_complaints(seller, visitor)

    address = seller.current_url
    assert new[0] in address
    stranger.get(address)
    assert one(stranger, ".empty-code").text == "404"
    stranger.get(f"{demo.address}/cabinet")
    assert lead_ids(stranger) == strangers_before


def test_a_lead_is_worked_without_script_and_with_the_keyboard(demo: Demo, browsers: Browsers) -> None:
    seller = browsers()
    seller.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    sign_in(seller, demo, "konyrau@bosaga.example")
    seller.get(f"{demo.address}/cabinet?status=new")
    one(seller, "a.caller").send_keys(Keys.ENTER)
    claim = eventually(lambda: seller.find_elements(By.CSS_SELECTOR, 'form[action$="/claim"] button'))[0]
    claim.send_keys(Keys.ENTER)
    released = eventually(lambda: seller.find_elements(By.CSS_SELECTOR, 'form[action$="/release"] button'))
    assert released and "Қоңырау" in one(seller, "main").text


def test_leaving_ends_the_session(demo: Demo, browsers: Browsers) -> None:
    seller = browsers()
    sign_in(seller, demo, "operator@bosaga.example")
    inside = seller.current_url
    seller.execute_script("document.querySelector('form[action=\"/cabinet/logout\"]').submit()")
    eventually(lambda: "login" in seller.current_url)
    seller.get(inside)
    assert "login" in seller.current_url


def test_a_free_advertisers_call_rings_in_the_call_centre(demo: Demo, browsers: Browsers) -> None:
    visitor = browsers()
    visitor.get(f"{demo.address}/?lang=ru")
    listing = free_listing(visitor, demo)
    number = reveal(visitor, f"{demo.address}/listing/{listing}")
    dial(visitor, demo, number)
    assert "колл-центр" in one(visitor, "#ringing").text


def reveal(browser: Chrome, address: str) -> str:
    """Clicks "Show number"; the number that was shown, checked against the listing's own spelling."""
    browser.get(address)
    browser.execute_script("window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(entry =>"
                           "{ window.shift += entry.value })).observe({type: 'layout-shift'})")  # fmt: skip
    control = one(browser, "[data-callease-reveal]")
    mask = control.get_attribute("data-callease-format") or ""
    control.click()
    shown = eventually(lambda: browser.find_elements(By.CSS_SELECTOR, 'a[data-callease-state="shown"]'))[0]
    number = (shown.get_attribute("href") or "").removeprefix("tel:")
    assert re.fullmatch(r"\+7\d{10}", number)
    assert re.sub(r"\d", "#", shown.text) == re.sub(r"\d", "#", mask), "the listing's own spelling"
    assert browser.execute_script("return window.shift") == 0
    return number


def dial(browser: Chrome, demo: Demo, number: str) -> None:
    browser.get(f"{demo.address}/telephone")
    for name, value in (("to", number), ("from", CALLER)):
        field = one(browser, f"#{name}")
        field.clear()
        field.send_keys(value)
    one(browser, "button.call").click()
    eventually(lambda: one(browser, "#ringing").is_displayed())


def call(browser: Chrome, demo: Demo, number: str) -> None:
    dial(browser, demo, number)
    one(browser, '[data-outcome="answered"][data-talk="95"]').click()
    eventually(lambda: not one(browser, "#ringing").is_displayed())


def sign_in(browser: Chrome, demo: Demo, email: str) -> None:
    browser.get(f"{demo.address}/cabinet?lang=ru")
    one(browser, '[name="email"]').send_keys(email)
    one(browser, '[name="password"]').send_keys(PASSWORD, Keys.ENTER)
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "tr[data-lead]"))


def lead_ids(browser: Chrome) -> list[str]:
    """Of the list as it is on the screen, read at one moment: it updates itself."""
    script = "return [...document.querySelectorAll('tr[data-lead]')].map(row => row.dataset.lead)"
    ids: list[str] = browser.execute_script(script)
    return ids


def text_of(browser: Chrome, selector: str) -> str:
    """Read at one moment, as `lead_ids`."""
    text: str = browser.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
    return text


def free_listing(browser: Chrome, demo: Demo) -> str:
    """A listing of the advertiser on the free plan, found as a visitor would: by the seller's name."""
    for page in range(1, 6):
        browser.get(f"{demo.address}/?page={page}")
        links = browser.find_elements(By.CSS_SELECTOR, 'a[href*="/listing/"]')
        for address in {link.get_attribute("href") or "" for link in links}:
            browser.get(address)
            if "Қоңырау Риэлт" in one(browser, "main").text:
                return address.rpartition("/")[2].partition("?")[0]
    raise AssertionError("the free plan's advertiser has no listing")


def one(browser: Chrome, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def assert_no_complaints(*browsers: Chrome) -> None:
    """Neither the content security policy nor anything else may be reported in the console."""
    for browser in browsers:
        assert browser.get_log("browser") == []
