"""A click on "Show number" turns the control into the number, in the page's own spelling."""

import threading

import pytest
from selenium.webdriver.common.keys import Keys

from .conftest import LISTING, NUMBER, REAL_NUMBER, Answer, Visitor, lease_answer

BUTTON = (
    f'<button class="btn wide" id=b data-card=7 data-callease-reveal data-callease-listing={LISTING}>Показать</button>'
)


def test_the_control_becomes_a_link_with_its_looks(visitor: Visitor) -> None:
    visitor.open(BUTTON.replace("<button", '<button aria-label="Показать телефон" style="color: red"'))
    visitor.click("#b")
    assert visitor.shown("#b") == {"tag": "a", "text": "+7 717 269 00 01", "href": f"tel:{NUMBER}"}
    link = "document.querySelector('#b')"
    assert visitor.js(f"{link}.className") == "btn wide"
    assert visitor.js(f"{link}.dataset.card") == "7"
    assert visitor.js(f"{link}.style.color") == "red"
    assert visitor.js(f"{link}.hasAttribute('aria-label') || {link}.hasAttribute('aria-busy')") is False


def test_the_lease_is_asked_for_as_the_contract_says(visitor: Visitor) -> None:
    visitor.put(
        f"<p data-callease-listing={LISTING} data-callease-token=tok><button id=b data-callease-reveal>Ок</button></p>"
    )
    visitor.driver.get(visitor.pages.address)
    visitor.driver.add_cookie({"name": "_ga", "value": "GA1.1.123456.789012"})
    visitor.driver.add_cookie({"name": "_ym_uid", "value": "1700000000123"})
    visitor.go("/?gclid=G-1_x&utm_source=google")
    visitor.click("#b")
    visitor.shown("#b")
    (request,) = visitor.api.to("leases")
    assert request.body["site"] == "site_demo"
    assert request.body["listing"] == LISTING
    assert request.body["token"] == "tok"
    assert request.body["page"]["url"].endswith("/?gclid=G-1_x&utm_source=google")
    assert request.body["clients"] == {"ga": "123456.789012", "ym": "1700000000123", "gclid": "G-1_x"}
    assert request.body["visitor"] and request.body["session"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (BUTTON.replace("<button", '<button data-callease-format="+7 (###) ###-##-##"'), "+7 (717) 269-00-01"),
        (BUTTON.replace("<button", '<button data-callease-format="8 ####-##-##-##"'), "8 7172-69-00-01"),
        # A mask of another country would misstate the number.
        (BUTTON.replace("<button", '<button data-callease-format="+1 (###) ###-####"'), "+7 717 269 00 01"),
        (BUTTON.replace(">Показать<", ">8 (7172) 69-00-00<"), "8 (7172) 69-00-01"),
        (BUTTON.replace(">Показать<", ">+7 7172 69&nbsp;00&nbsp;00<"), "+7 7172 69\u00a000\u00a001"),
        (BUTTON.replace(">Показать<", ">(7172) 69–00–00<"), "(7172) 69–00–01"),
        # The city's own short spelling says too little about another number.
        (BUTTON.replace(">Показать<", ">69-00-00<"), "+7 717 269 00 01"),
    ],
)
def test_the_number_is_spelt_as_the_page_spells(visitor: Visitor, markup: str, text: str) -> None:
    visitor.open(markup)
    visitor.click("#b")
    assert visitor.shown("#b") == {"tag": "a", "text": text, "href": f"tel:{NUMBER}"}


def test_a_link_keeps_its_node(visitor: Visitor) -> None:
    visitor.open(
        f"""<p data-callease-listing={LISTING}>
        <a id=b href="/phone" title="Показать" data-callease-reveal>8 (7172) 69-00-00</a></p>"""
    )
    visitor.run("window.link = document.querySelector('#b')")
    visitor.click("#b")
    assert visitor.shown("#b") == {"tag": "a", "text": "8 (7172) 69-00-01", "href": f"tel:{NUMBER}"}
    assert visitor.js("document.querySelector('#b') === link && !link.title && location.pathname === '/'")


def test_only_what_gives_looks_goes_over(visitor: Visitor) -> None:
    visitor.open(BUTTON.replace("<button", '<button @click="x" _ngcontent-a1 onclick="window.old = 1" disabled=false'))
    visitor.run("document.querySelector('#b').disabled = false")
    visitor.click("#b")
    visitor.shown("#b")
    names = visitor.js("document.querySelector('#b').getAttributeNames()")
    expected = {"class", "id", "_ngcontent-a1", "data-card", "href", "style", "data-callease-state"}
    assert set(names) == expected | {"data-callease-reveal", "data-callease-listing"}


def test_icons_stay_and_a_marked_child_takes_the_number(visitor: Visitor) -> None:
    visitor.open(
        f"""<div data-callease-listing={LISTING}>
        <button id=icon data-callease-reveal><svg width=9 height=9></svg> Показать</button>
        <button id=part data-callease-reveal>Тел. <b data-callease-number>8 (7172) 6X-XX-XX</b> ›</button></div>"""
    )
    visitor.click("#icon")
    assert visitor.shown("#icon")["text"] == "+7 717 269 00 01"
    assert visitor.js("document.querySelectorAll('#icon svg').length") == 1
    visitor.click("#part")
    assert visitor.shown("#part")["text"] == "Тел. +7 717 269 00 01 ›"


def test_another_element_takes_the_number_where_one_is_named(visitor: Visitor) -> None:
    visitor.open(
        f"""<a id=other class=phone>чужой</a>
        <div data-callease-listing={LISTING}><a class=phone href="#">—</a>
        <button id=b data-callease-reveal data-callease-target=".phone">Показать</button></div>"""
    )
    visitor.click("#b")
    assert visitor.shown("div .phone") == {"tag": "a", "text": "+7 717 269 00 01", "href": f"tel:{NUMBER}"}
    assert visitor.shown("#b")["tag"] == "button"
    assert visitor.js("document.querySelector('#other').textContent") == "чужой"


def test_a_target_that_is_not_there_does_not_lose_the_number(visitor: Visitor) -> None:
    for selector in ("#nowhere", "?!"):
        visitor.open(BUTTON.replace("<button", f'<button data-callease-target="{selector}"'))
        visitor.click("#b")
        assert visitor.shown("#b")["href"] == f"tel:{NUMBER}"


def test_one_place_serves_many_listings_in_turn(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = lambda request: Answer(
        body=lease_answer(
            listing=request.body["listing"],
            lease=f"lse_{request.body['listing']}",
            number=f"+7717269000{request.body['listing']}",
        )
    )
    control = '<button id=b{0} data-callease-reveal data-callease-target="#line" data-callease-listing={0}>Ок</button>'
    visitor.open("<a id=line></a>" + control.format(1) + control.format(2))
    for listing in (1, 2, 1):
        visitor.click(f"#b{listing}")
        visitor.until(
            "document.querySelector('#line').getAttribute('href') === arguments[0]", f"tel:+7717269000{listing}"
        )
    visitor.run("callease.destroy()")
    assert visitor.js("document.querySelector('#line').outerHTML") == '<a id="line"></a>'


def test_number_elements_of_the_listing_are_filled_and_no_others(visitor: Visitor) -> None:
    visitor.open(
        f"""<div data-callease-listing={LISTING}>
        <a id=link data-callease-number href="tel:{REAL_NUMBER}"
          aria-label="Позвонить 8 (7172) 69-00-00">8 (7172) 69-00-00</a>
        <a id=around href="tel:{REAL_NUMBER}"><i data-callease-number>8 (7172) 69-00-00</i></a>
        <p id=inside data-callease-number><a href="tel:{REAL_NUMBER}">+7 7172 69 00 00</a></p>
        <p id=empty data-callease-number></p>
        <p id=other data-callease-number data-callease-listing=ZHK-2>8 (7172) 70-00-00</p>
        <p data-calltrk-noswap><i id=no data-callease-number>8 (7172) 69-00-00</i></p>{BUTTON}</div>"""
    )
    visitor.click("#b")
    tel = f"tel:{NUMBER}"
    assert visitor.shown("#link") == {"tag": "a", "text": "8 (7172) 69-00-01", "href": tel}
    assert visitor.js("document.querySelector('#link').hasAttribute('aria-label')") is False
    assert visitor.js("[document.querySelector('#around').textContent, document.querySelector('#around').href]") == [
        "8 (7172) 69-00-01",
        tel,
    ]
    assert visitor.js("[document.querySelector('#inside').textContent, document.querySelector('#inside a').href]") == [
        "+7 7172 69 00 01",
        tel,
    ]
    assert visitor.js("document.querySelector('#empty').textContent") == "+7 717 269 00 01"
    assert visitor.js("document.querySelector('#other').textContent") == "8 (7172) 70-00-00"
    assert visitor.js("document.querySelector('#no').textContent") == "8 (7172) 69-00-00"


def test_number_elements_that_come_late_are_filled(visitor: Visitor) -> None:
    visitor.open(BUTTON + "<div id=late></div>")
    visitor.click("#b")
    visitor.shown("#b")
    visitor.run(
        f"""history.pushState({{}}, '', '/other');
        const late = document.createElement('p');
        late.id = 'n';
        late.setAttribute('data-callease-number', '');
        late.setAttribute('data-callease-listing', '{LISTING}');
        document.querySelector('#late').append(late);"""
    )
    assert visitor.shown("#n")["text"] == "+7 717 269 00 01"


def test_a_card_used_again_for_another_listing_loses_the_number(visitor: Visitor) -> None:
    visitor.open(
        f"<div id=card data-callease-listing={LISTING}><button id=b data-callease-reveal>Показать</button></div>"
    )
    visitor.click("#b")
    visitor.shown("#b")
    visitor.run("document.querySelector('#card').setAttribute('data-callease-listing', 'ZHK-2')")
    visitor.until("document.querySelector('#b').localName === 'button'")
    assert visitor.js("document.querySelector('#b').textContent") == "Показать"


def test_an_extension_is_dialled_and_told(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = Answer(body=lease_answer(extension="123"))
    visitor.open(BUTTON)
    visitor.click("#b")
    assert visitor.shown("#b") == {"tag": "a", "text": "+7 717 269 00 01 доб. 123", "href": f"tel:{NUMBER},,123"}


@pytest.mark.parametrize(
    ("written", "page_format", "text"),
    [
        ("Показать", "", "8 (7172) 69 00 01 доб. 234"),
        ("Показать 8 (7172) 69-00-00", "", "8 (7172) 69-00-01 доб. 234"),
        ("Показать", "+7 (###) ###-##-##", "+7 (717) 269-00-01 доб. 234"),
    ],
)
def test_the_code_is_written_once_and_in_the_language_of_the_page(
    visitor: Visitor, written: str, page_format: str, text: str
) -> None:
    answer = lease_answer(display="8 (7172) 69 00 01 қос. 234", extension="234")
    visitor.api.answers["leases"] = Answer(body=answer)
    mask = f' data-callease-format="{page_format}"' if page_format else ""
    visitor.open(f"<button id=b data-callease-reveal data-callease-listing={LISTING}{mask}>{written}</button>")
    visitor.click("#b")
    assert visitor.shown("#b") == {"tag": "a", "text": text, "href": f"tel:{NUMBER},,234"}


@pytest.mark.parametrize(
    "display", ["8 (7172) 69 00 01", "+7 7172 69 00 01", "8 (7172) 690001", "020 7946 0958", "(0511) 123456"]
)
def test_a_spelling_without_a_code_is_kept_whole(visitor: Visitor, display: str) -> None:
    visitor.api.answers["leases"] = Answer(body=lease_answer(display=display))
    visitor.open(BUTTON)
    visitor.click("#b")
    assert visitor.shown("#b")["text"] == display


def test_a_double_click_is_one_request_and_shows_that_it_waits(visitor: Visitor) -> None:
    gate = threading.Event()
    visitor.api.answers["leases"] = Answer(body=lease_answer(), gate=gate)
    visitor.open(BUTTON)
    # In one task, so that the state is that of the very click.
    state = visitor.run(
        """const control = document.querySelector('#b');
        control.click();
        control.click();
        return [control.getAttribute('aria-busy'), control.getAttribute('data-callease-state')]"""
    )
    assert state == ["true", "loading"]
    gate.set()
    visitor.shown("#b")
    assert len(visitor.api.to("leases")) == 1


def test_a_listing_is_leased_once_over_the_tabs_pages(visitor: Visitor) -> None:
    visitor.open(BUTTON + BUTTON.replace("id=b", "id=c"))
    visitor.click("#b")
    visitor.shown("#b")
    visitor.click("#c")
    visitor.shown("#c")
    visitor.go()
    visitor.click("#b")
    assert visitor.shown("#b")["href"] == f"tel:{NUMBER}"
    assert len(visitor.api.to("leases")) == 1


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE])
@pytest.mark.parametrize(
    "control", [BUTTON, BUTTON.replace("button", "div").replace("<div", "<div tabindex=0 role=button")]
)
def test_keys_reveal_and_focus_stays(visitor: Visitor, control: str, key: str) -> None:
    visitor.open(control)
    visitor.driver.find_element("css selector", "#b").send_keys(key)
    assert visitor.shown("#b")["tag"] == "a"
    assert visitor.js("document.activeElement.id") == "b"
    assert len(visitor.api.to("leases")) == 1


def test_reveals_inside_shadow_roots(visitor: Visitor) -> None:
    visitor.open(f"<my-card data-callease-listing={LISTING}></my-card>")
    visitor.run(
        """const root = document.querySelector('my-card').attachShadow({mode: 'open'});
        const control = document.createElement('button');
        control.setAttribute('data-callease-reveal', '');
        control.append('Показать');
        const number = document.createElement('p');
        number.setAttribute('data-callease-number', '');
        root.append(control, number);
        window.root = root;
        control.click();"""
    )
    visitor.until("root.querySelector('a')?.getAttribute('href') === arguments[0]", f"tel:{NUMBER}")
    assert visitor.js("root.querySelector('p').textContent") == "+7 717 269 00 01"


def test_a_form_is_not_sent_and_noswap_is_left_alone(visitor: Visitor) -> None:
    visitor.open(
        f"""<form action="/sent">{BUTTON}</form>
        <p data-callease-noswap data-callease-listing={LISTING}><button id=no data-callease-reveal>Нет</button></p>"""
    )
    visitor.click("#no")
    visitor.click("#b")
    visitor.shown("#b")
    assert visitor.js("location.pathname") == "/"
    assert visitor.js("document.querySelector('#no').outerHTML").endswith(">Нет</button>")
    assert len(visitor.api.to("leases")) == 1
