"""The demo as a new user starts it, and browsers to walk through it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.browser.plugin.conftest import start_browser
from tests.support.installation import Installation, free_port
from tests.support.waiting import eventually

_DEMO_STARTS_SECONDS = 90


class Demo:
    """`callease demo` on a data directory of its own."""

    def __init__(self) -> None:
        self.installation = Installation()
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.process = self.installation.start("demo", "--port", str(port))
        eventually(self._announced, _DEMO_STARTS_SECONDS, self.installation.log)

    @property
    def redis_pid(self) -> int:
        return self.installation.redis_pid

    def stop(self) -> None:
        self.installation.stop()

    def _announced(self) -> bool:
        assert self.process.poll() is None, self.installation.log()
        return "Log-ins for the cabinet" in self.installation.log()


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    started = Demo()
    yield started
    started.stop()


@pytest.fixture
def browsers(tmp_path: Path) -> Iterator[Callable[[], Chrome]]:
    """Makes browsers that know nothing of each other: one for each person in the story."""
    made: list[Chrome] = []

    def make() -> Chrome:
        driver = start_browser(tmp_path / f"profile{len(made)}")
        made.append(driver)
        return driver

    yield make
    for driver in made:
        driver.quit()
