"""A leased number is followed while it lives, and leaves the screen when it dies."""

import pytest

from .conftest import LISTING, NUMBER, REAL_NUMBER, Answer, Visitor, lease_answer

CARD = f"""<div data-callease-listing={LISTING}>
<a id=n data-callease-number href="tel:{REAL_NUMBER}" title="Телефон">8 (7172) 69-00-00</a>
<button id=b class=btn aria-label="Показать телефон" data-callease-reveal><i></i>Показать</button></div>"""


def reveal(visitor: Visitor, head: str = "", **lease: object) -> None:
    """Opens a page and has its number shown."""
    visitor.api.answers["leases"] = Answer(body=lease_answer(**lease))
    visitor.open(CARD, head + visitor.tag())
    visitor.listen()
    visitor.run("window.before = document.body.innerHTML; window.control = document.querySelector('#b')")
    visitor.click("#b")
    visitor.shown("#b")


def assert_restored(visitor: Visitor) -> None:
    """Waits until the page is as it was, down to the very node."""
    visitor.until("document.body.innerHTML === before")
    assert visitor.js("document.querySelector('#b') === control")


def test_a_dead_number_leaves_the_screen(visitor: Visitor) -> None:
    reveal(visitor, ttl=1)
    assert_restored(visitor)
    (expired,) = visitor.js("heard.filter((event) => event.name === 'expired')")
    assert (expired["detail"]["listing"], expired["detail"]["lease"]) == (LISTING, "lse_1")
    visitor.api.answers["leases"] = Answer(body=lease_answer(lease="lse_2", number="+77172690002"))
    visitor.click("#b")
    assert visitor.shown("#b")["href"] == "tel:+77172690002"


def test_focus_goes_back_to_the_control(visitor: Visitor) -> None:
    reveal(visitor, ttl=1)
    visitor.run("document.querySelector('#b').focus()")
    assert_restored(visitor)
    assert visitor.js("document.activeElement.id") == "b"


def test_a_clock_set_back_ends_a_lease(visitor: Visitor) -> None:
    reveal(visitor)
    visitor.run("Date.now = () => 0; document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    assert_restored(visitor)


def test_a_page_from_the_back_forward_cache_shows_no_dead_number(visitor: Visitor) -> None:
    visitor.put("<p>Другая</p>", "", "/other")
    # Browsers differ in what else they announce when a page comes back.
    quiet = """<script>
    addEventListener('visibilitychange', (event) => event.stopImmediatePropagation(), true);</script>"""
    reveal(visitor, quiet)
    visitor.run(
        """addEventListener('pageshow', (event) => { window.persisted = event.persisted; }, true);
        addEventListener('pagehide', () => {
          const real = Date.now;
          Date.now = () => real() + 3600e3;
        });"""
    )
    visitor.driver.get(visitor.pages.address + "/other")
    visitor.driver.back()
    visitor.until("window.persisted === true")
    assert_restored(visitor)


def test_a_lease_of_an_earlier_page_that_has_ended_is_not_shown(visitor: Visitor) -> None:
    reveal(visitor, ttl=1)
    # A page in between, on which nothing sweeps.
    visitor.put("<p>Другая</p>", "", "/other")
    visitor.driver.get(visitor.pages.address + "/other")
    visitor.until("Date.now() - JSON.parse(sessionStorage.callease).leases[0].at > 1000")
    visitor.go()
    assert visitor.js("document.querySelector('#n').getAttribute('href')") == f"tel:{REAL_NUMBER}"


def test_a_lease_of_an_earlier_page_fills_number_elements_at_once(visitor: Visitor) -> None:
    reveal(visitor)
    visitor.go()
    assert visitor.shown("#n") == {"tag": "a", "text": "8 (7172) 69-00-01", "href": f"tel:{NUMBER}"}


@pytest.mark.parametrize("selector", ["#b", "#n"])
def test_a_tap_is_told(visitor: Visitor, selector: str) -> None:
    reveal(visitor)
    # The tap itself would ask the system for a telephone.
    visitor.run("addEventListener('click', (event) => event.preventDefault())")
    visitor.click(selector)
    (request,) = visitor.api.wait_for("events")
    assert (request.path, request.body) == ("/c/v1/leases/lse_1/events", {"type": "dial"})
    (dial,) = visitor.js("heard.filter((event) => event.name === 'dial')")
    assert (dial["detail"]["listing"], dial["detail"]["lease"], dial["detail"]["number"]) == (LISTING, "lse_1", NUMBER)
    assert len(visitor.api.to("leases")) == 1


def test_a_copy_is_told_where_the_number_was_in_it(visitor: Visitor) -> None:
    reveal(visitor)
    visitor.run(
        """document.body.append(Object.assign(document.createElement('p'), {id: 'p', textContent: 'Текст'}));
        for (const id of ['p', 'b']) {
          getSelection().selectAllChildren(document.getElementById(id));
          document.execCommand('copy');
        }"""
    )
    (request,) = visitor.api.wait_for("events")
    assert request.body == {"type": "copy"}


# A minute takes a tenth of a second; what is shorter keeps its time.
FAST = """<script>{
  const later = setTimeout;
  window.setTimeout = (action, wait, ...rest) => later(action, wait >= 60000 ? wait / 600 : wait, ...rest);
}</script>"""
COUNT_MINUTES = "window.minutes = 0; setInterval(() => { minutes += 1; }, 100);"


def test_the_heart_beats_once_a_minute_while_the_page_is_seen(visitor: Visitor) -> None:
    visitor.open(CARD, FAST + visitor.tag())
    visitor.click("#b")
    assert {request.body["type"] for request in visitor.api.wait_for("events", 3)} == {"heartbeat"}
    visitor.run("Object.defineProperty(document, 'hidden', {value: true});" + COUNT_MINUTES)
    visitor.until("minutes > 1")
    beats = len(visitor.api.to("events"))
    visitor.until("minutes > 5")
    assert len(visitor.api.to("events")) == beats


def test_a_number_that_is_nobodys_own_has_no_heart(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(body=lease_answer(kind="static"))
    visitor.open(CARD, FAST + visitor.tag())
    visitor.click("#b")
    visitor.shown("#b")
    visitor.run(COUNT_MINUTES)
    visitor.until("minutes > 4")
    assert visitor.api.to("events") == []
