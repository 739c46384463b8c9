"""Whatever the network does, a visitor ends up with a number that can be called."""

import socket
import threading
from typing import Any

import pytest

from .conftest import LISTING, NUMBER, REAL_NUMBER, Answer, Visitor, lease_answer

CARD = f"""<div data-callease-listing={LISTING}>{{}}
<a id=real class=phone href="tel:{REAL_NUMBER}">8 (7172) 69-00-00</a>
<button id=b data-callease-reveal>Показать</button></div>"""
PROBLEM = {"type": "about:blank", "title": "…", "status": 404, "code": "unknown_listing"}


def errors(visitor: Visitor) -> list[Any]:
    """Lists the details of the errors that the page has heard of."""
    return visitor.js("heard.filter((event) => event.name === 'error').map((event) => event.detail)")


def test_the_offer_of_the_server_comes_first(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(404, PROBLEM | {"fallback": "+77172555555"})
    visitor.open(f'<div data-callease-fallback="+77172111111">{CARD.format("")}</div>')
    visitor.listen()
    visitor.click("#b")
    assert visitor.shown("#b", "fallback") == {"tag": "a", "text": "+77172555555", "href": "tel:+77172555555"}
    assert errors(visitor) == [{"code": "unknown_listing", "listing": LISTING}]


@pytest.mark.parametrize(
    "answer", [Answer(500, b"<h1>Oops</h1>"), Answer(200, b"<h1>Hotel wifi</h1>"), Answer(200, {"lease": "lse_1"})]
)
@pytest.mark.parametrize("value", ["+77172111111", "tel:+7 (7172) 11-11-11"])
def test_then_that_of_the_page(visitor: Visitor, answer: Answer, value: str) -> None:
    visitor.api.answers["leases"] = answer
    visitor.open(f'<div data-callease-fallback="{value}">{CARD.format("")}</div>')
    visitor.listen()
    visitor.click("#b")
    shown = visitor.shown("#b", "fallback")
    assert (shown["tag"], shown["text"], shown["href"]) == ("a", value.removeprefix("tel:"), "tel:+77172111111")
    (error,) = errors(visitor)
    assert error["code"] == ("http_500" if answer.status == 500 else "bad_answer")


def test_then_the_number_in_the_markup_of_this_very_listing(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(500)
    visitor.open(CARD.format('<p data-callease-listing=ZHK-2><a href="tel:+77172222222">другой</a></p>'))
    visitor.click("#b")
    assert visitor.shown("#b", "fallback") == {"tag": "a", "text": "8 (7172) 69-00-00", "href": f"tel:{REAL_NUMBER}"}


def test_a_suffix_in_the_markup_does_not_become_part_of_the_number(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(500)
    visitor.open(CARD.format("").replace(REAL_NUMBER, f"{REAL_NUMBER};ext=12"))
    visitor.click("#b")
    assert visitor.shown("#b", "fallback")["href"] == f"tel:{REAL_NUMBER}"


def test_with_nothing_known_the_control_stays_clickable(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(503)
    visitor.open(f"<button id=b data-callease-reveal data-callease-listing={LISTING}>Показать</button>")
    visitor.listen()
    before = visitor.js("document.querySelector('#b').outerHTML")
    visitor.click("#b")
    visitor.until("heard.some((event) => event.name === 'error')")
    visitor.until("document.querySelector('#b').outerHTML === arguments[0]", before)
    del visitor.api.answers["leases"]
    visitor.click("#b")
    assert visitor.shown("#b")["href"] == f"tel:{NUMBER}"


def test_no_listing_is_an_error_of_the_page(visitor: Visitor) -> None:
    visitor.open('<button id=b data-callease-reveal data-callease-fallback="+77172111111">Показать</button>')
    visitor.listen()
    visitor.click("#b")
    assert visitor.shown("#b", "fallback")["href"] == "tel:+77172111111"
    assert errors(visitor)[0]["code"] == "no_listing"
    assert visitor.api.to("leases") == []


def test_a_server_that_hangs_is_waited_for_two_seconds(visitor: Visitor) -> None:
    gate = threading.Event()
    visitor.api.answers["leases"] = Answer(body=lease_answer(), gate=gate)
    visitor.open(CARD.format("") + f"<button id=c data-callease-reveal data-callease-listing={LISTING}>Ещё</button>")
    visitor.listen()
    visitor.run("window.clicked = performance.now()")
    visitor.click("#b")
    assert visitor.shown("#b", "fallback")["href"] == f"tel:{REAL_NUMBER}"
    assert 1900 < visitor.js("performance.now() - clicked") < 4000
    assert errors(visitor) == [{"code": "timeout", "listing": LISTING}]
    gate.set()
    visitor.until("Boolean(sessionStorage.callease.includes('lse_1'))")
    # What the finger is over does not change again; the next control has the number at once.
    assert visitor.shown("#b", "fallback")["href"] == f"tel:{REAL_NUMBER}"
    visitor.click("#c")
    assert visitor.shown("#c")["href"] == f"tel:{NUMBER}"
    assert len(visitor.api.to("leases")) == 1


def test_a_server_that_is_not_there(visitor: Visitor) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    visitor.open(CARD.format(""), visitor.tag(data_api=f"http://127.0.0.1:{nobody}/c"))
    visitor.listen()
    visitor.click("#b")
    assert visitor.shown("#b", "fallback")["href"] == f"tel:{REAL_NUMBER}"
    assert errors(visitor)[0]["code"] == "network"


def test_a_fallback_answered_by_the_server_is_shown_and_asked_for_anew(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(
        body=lease_answer(kind="fallback", number=REAL_NUMBER, display="8 (7172) 69-00-00")
    )
    visitor.open(CARD.format("") + f"<button id=c data-callease-reveal data-callease-listing={LISTING}>Ещё</button>")
    visitor.listen()
    visitor.click("#b")
    assert visitor.shown("#b", "fallback") == {"tag": "a", "text": "8 (7172) 69-00-00", "href": f"tel:{REAL_NUMBER}"}
    assert errors(visitor) == []
    visitor.click("#c")
    visitor.shown("#c", "fallback")
    assert len(visitor.api.to("leases")) == 2


def test_the_tracking_number_of_a_lease_never_serves_as_fallback(visitor: Visitor) -> None:
    visitor.open(
        f"""<a id=a href="tel:{REAL_NUMBER}" data-callease-number data-callease-listing={LISTING}>8 (7172) 69-00-00</a>
        <button id=b data-callease-reveal data-callease-listing={LISTING}>Показать</button>"""
    )
    visitor.click("#b")
    visitor.shown("#b")
    # As if the lease had been lost, and the server with it.
    visitor.api.answers["leases"] = Answer(500)
    visitor.run("window.was = Date.now; Date.now = () => was() - 1e6")
    visitor.listen()
    outcome = visitor.driver.execute_async_script(
        "callease.lease({listing: arguments[0]}).catch((error) => arguments[1](error.code))", LISTING
    )
    assert outcome == "http_500"
    visitor.until("document.querySelector('#b').localName === 'button'")
    visitor.run("Date.now = was")
    visitor.click("#b")
    assert visitor.shown("#b", "fallback")["href"] == f"tel:{REAL_NUMBER}"
