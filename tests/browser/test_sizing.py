"""The page of what to buy, as a manager sees it: on a wide screen and on a telephone, in light and in dark."""

from collections.abc import Callable

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from callease.base.clock import SystemClock
from callease.base.database import Database
from callease.planning.models import SizingRun
from callease.planning.sizings import Sizings, ask, site_of
from callease.settings import load_settings
from tests.browser.conftest import Demo
from tests.browser.test_road import assert_no_complaints, one, sign_in
from tests.support.waiting import eventually

OWNER = "owner@bosaga.example"
_SHARES = (
    (60, 0.8151, 0.6704),
    (90, 0.9605, 0.7904),
    (135, 0.9758, 0.8542),
    (240, 0.9894, 0.8935),
    (960, 0.9959, 0.9535),
)


def _point(numbers: int, source: float, session: float) -> dict[str, object]:
    def share(right: float) -> dict[str, float]:
        return {"right": right, "low": round(1 - 1.3 * (1 - right), 4), "high": round(1 - 0.8 * (1 - right), 4)}

    return {"numbers": numbers, "office": share(1.0), "source": share(source), "session": share(session)}


CURVE = [_point(*each) for each in _SHARES]
BEST = {
    "more": 12,
    "then": _point(147, 0.978, 0.861),
    "source_gain": 0.0031,
    "session_gain": 0.0132,
    "price": {"amount": "18000", "currency": "KZT"},
}
RESULT = {
    "reveals_a_day": 2_004.3,
    "offices": 60,
    "classes": 6,
    "objective": "both",
    "counted": {"days": 30.0, "reveals": 60_129, "first_calls": 23_871, "too_short": False},
    "assumed": ["rhythm", "returning visitors"],
    "curve": CURVE,
    "for_source": [
        {"right": 0.96, "numbers": 90},
        {"right": 0.99, "numbers": 258},
        {"right": 0.999, "numbers": None},
    ],
    "owned": 135,
    "numbers": 135,
    "now": CURVE[2],
    "next_best": BEST,
    "purchases": [BEST],
    "price": {"amount": "1500", "currency": "KZT"},
}


@pytest.fixture
def sized(demo: Demo) -> None:
    """A worker has worked it out."""
    database, clock = Database(load_settings(demo.installation.environment).database_url), SystemClock()
    with database.transaction() as session:
        session.query(SizingRun).delete()
        run = ask(session, clock, site_of(session, None).id)
        run.due_at = run.asked_at.replace(year=run.asked_at.year + 1)  # the demo's own worker leaves it alone
    Sizings(database, clock).record(run.id, RESULT)
    database.dispose()


def test_a_manager_can_decide_by_it(demo: Demo, sized: None, browsers: Callable[[], Chrome]) -> None:
    owner = browsers()
    sign_in(owner, demo, OWNER)
    one(owner, '.sections a[href="/cabinet/sizing"]').click()
    eventually(lambda: owner.find_elements(By.CSS_SELECTOR, ".curve"))
    page = one(owner, "main").text
    for expected in ("135", "97,5", "85,4", "Ещё 12", "18", "258", "больше 960"):
        assert expected in page, expected
    marked = one(owner, ".curve [aria-current]")
    assert marked.text.startswith("135")
    rows = owner.find_elements(By.CSS_SELECTOR, ".curve tbody tr")
    assert len(rows) == len(CURVE)
    for width in (1280, 375):
        owner.set_window_size(width, 900)
        broken = "return [...document.querySelectorAll('.sections a')].some((a) => a.scrollHeight > a.clientHeight)"
        assert not owner.execute_script(broken), f"{width} px: a section's name is broken into lines"
        fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert owner.execute_script(fits), f"{width} px: the page is wider than the screen"
    assert_no_complaints(owner)
