"""From a click to the office by one shared number: a visitor at a desk and one with a telephone in the hand."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.plugin.conftest import Page, Pages
from tests.support.extensions import COMMON, QALA_PHONE, Extended, extend
from tests.support.installation import Installation
from tests.support.people import new_call_id

PATIENCE_SECONDS = 10
WORDS = {"ru": "доб.", "kk": "қос.", "en": "ext."}
# A telephone of 2026: what the page can know of it.
TELEPHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
MARKUP = """<!doctype html><html lang="{locale}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Qala</title>
<style>body {{ font: 16px/1.5 sans-serif; margin: 16px }} .card {{ border: 1px solid #ccc; padding: 16px }}
button, .card a {{ font: inherit; display: inline-block; padding: 12px 16px; border: 1px solid #06c }}</style>
<script async src="{base}/v1.js" data-site="{site}"></script></head>
<body><div class="card" data-callease-listing="ZHK-4001"><h1>Qala, 64 m²</h1>
<button id="b" data-callease-reveal>+7 (7172) ●●-●●-●●</button>
<p><span id="n" data-callease-number>8 (7172) 70-00-00</span></p></div></body></html>"""


@pytest.fixture(scope="module")
def extended() -> Iterator[Extended]:
    installation = Installation()
    try:
        yield extend(installation.up().cast())
    finally:
        installation.stop()


@pytest.fixture
def pages() -> Iterator[Pages]:
    server = Pages()
    yield server
    server.close()


@pytest.fixture(params=["desk", "telephone"])
def driver(request: pytest.FixtureRequest, browsers: Callable[[], Chrome]) -> Chrome:
    made = browsers()
    if request.param == "telephone":
        made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", TELEPHONE)
        made.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    return made


@pytest.mark.parametrize("locale", WORDS)
def test_the_code_is_seen_dialled_and_answered(
    extended: Extended, pages: Pages, driver: Chrome, locale: str, tmp_path: Path
) -> None:
    cast = extended.cast
    base = cast.account["route_url"].split("/v1/telephony")[0]
    pages.pages["/"] = Page(MARKUP.format(locale=locale, base=base, site=cast.site["key"]))
    driver.get(pages.address)
    WebDriverWait(driver, PATIENCE_SECONDS).until(lambda d: d.execute_script("return window.callease?.version"))
    driver.find_element(By.CSS_SELECTOR, "#b").click()
    link = WebDriverWait(driver, PATIENCE_SECONDS).until(lambda d: d.find_element(By.CSS_SELECTOR, "a#b"))

    href = link.get_attribute("href") or ""
    dialled = re.fullmatch(rf"tel:{re.escape(COMMON)},,(\d{{3}})", href)
    assert dialled, href
    written = f"{WORDS[locale]} {dialled[1]}"
    assert link.text == f"8 (7172) 69 00 00 {written}"
    assert driver.find_element(By.CSS_SELECTOR, "#n").text == f"8 (7172) 69-00-00 {written}"
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    driver.execute_script("getSelection().selectAllChildren(arguments[0])", link)
    assert driver.execute_script("return String(getSelection())") == link.text
    driver.save_screenshot(str(tmp_path / f"{locale}.png"))

    # A telephone dials what stands in the link: the number, pauses, the code.
    number, _, code = href.removeprefix("tel:").partition(",,")
    told = cast.telephone.route(new_call_id(), number, digits=code).json
    assert (told["office"], told["listing"]) == (extended.office.id, extended.listing)
    assert [each["to"] for each in told["destinations"]] == [QALA_PHONE]
