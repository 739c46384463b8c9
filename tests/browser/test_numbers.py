"""The page about numbers: an owner approves a move with the keyboard, without script, and the number has moved."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from callease.base.clock import SystemClock
from callease.base.database import Database
from callease.planning.planner import Planner
from callease.settings import load_settings
from tests.factories import PASSWORD
from tests.support.installation import Installation
from tests.support.planning import Desk
from tests.support.waiting import eventually

WIDTHS = (1300, 390)


@pytest.fixture
def busy(install: Callable[..., Installation]) -> Iterator[tuple[Installation, Desk]]:
    """An installation whose log calls for proposals, without a worker."""
    installation = install()
    installation.token = installation.init()["token"]
    installation.serve()
    database = Database(load_settings(installation.environment).database_url)
    clock = SystemClock()
    desk = Desk(installation.cast(), database, clock, Planner(database, clock, timedelta(days=60)))
    desk.a_busy_and_an_idle_office()
    yield installation, desk
    database.dispose()


def test_a_proposal_is_asked_for_read_and_approved(
    busy: tuple[Installation, Desk], browsers: Callable[[], Chrome]
) -> None:
    installation, desk = busy
    owner = browsers()
    owner.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    owner.get(f"{installation.address}/cabinet/numbers?lang=en")
    owner.find_element(By.NAME, "email").send_keys(desk.cast.user("owner")["email"])
    owner.find_element(By.NAME, "password").send_keys(PASSWORD, Keys.ENTER)
    eventually(lambda: owner.find_elements(By.CSS_SELECTOR, '[href="/cabinet/numbers"]'))
    owner.get(f"{installation.address}/cabinet/numbers?lang=en")
    assert "Too early for advice" in owner.find_element(By.TAG_NAME, "main").text
    owner.find_element(By.CSS_SELECTOR, '[action="/cabinet/numbers/look"] button').send_keys(Keys.ENTER)
    eventually(lambda: owner.find_elements(By.CSS_SELECTOR, ".beat"))

    installation.worker()
    eventually(lambda: desk.proposals("proposed"), 30, installation.log)
    owner.find_element(By.CSS_SELECTOR, ".beat a").click()
    first = eventually(lambda: owner.find_elements(By.CSS_SELECTOR, "[data-proposal]"))[0]
    move = desk.proposals("proposed")[0]
    assert first.get_attribute("data-proposal") == move["id"]
    assert "right answers a month" in first.text
    for width in WIDTHS:
        owner.set_window_size(width, 1_000)
        for card in owner.find_elements(By.CSS_SELECTOR, "[data-proposal], [data-proposal] button"):
            assert card.rect["x"] >= 0
            assert card.rect["x"] + card.rect["width"] <= width

    first.find_element(By.CSS_SELECTOR, '[action$="/approve"] button').send_keys(Keys.ENTER)
    eventually(lambda: not owner.find_elements(By.CSS_SELECTOR, f'[data-proposal="{move["id"]}"]'))
    assert desk.cast.api.get(f"/proposals/{move['id']}")["state"] == "done"
    assert desk.cast.api.get(f"/numbers/{move['numbers'][0]}")["office"] == move["office"]
