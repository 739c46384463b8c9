"""The script as a guest of the page: how it loads, what it offers, and what it leaves alone."""

import threading

import pytest

from .conftest import LISTING, NUMBER, REAL_NUMBER, SITE, Answer, Visitor, lease_answer

BUTTON = f"<button id=b data-callease-reveal data-callease-listing={LISTING}>Показать</button>"
STUB = "window.callease = window.callease || function () { (callease.q = callease.q || []).push(arguments); };"
LAYOUT_SHIFT = """const done = arguments[arguments.length - 1];
let sum = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
  .observe({type: 'layout-shift', buffered: true});
requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum), 100)));"""


def test_the_visit_is_told_once(visitor: Visitor) -> None:
    visitor.open("<p>Текст</p>")
    (visit,) = visitor.api.wait_for("visits")
    assert visit.body["site"] == SITE
    assert visit.body["page"] == {"url": visitor.pages.address + "/", "title": "ЖК", "referrer": ""}
    assert visitor.until("callease.visit") == "vst_1"
    visitor.run("history.pushState({}, '', '/next'); history.replaceState({}, '', '/last')")
    visitor.driver.back()
    visitor.until("location.pathname === '/'")
    # A round trip later, a second one would have come.
    visitor.driver.execute_async_script("callease.lease({listing: 'ZHK-2'}).then(() => arguments[0]())")
    assert len(visitor.api.to("visits")) == 1


def test_calls_before_the_script_are_replayed(visitor: Visitor) -> None:
    early = f"""window.heard = [];
    callease('on', '*', (event) => heard.push(event.type));
    callease('on', 'reveal', (event) => heard.push(event.detail.listing));
    callease('ready', (api) => heard.push(api === window.callease));
    callease('lease', {{listing: '{LISTING}'}});
    callease('no such command');"""
    visitor.open("<p></p>", f"<script>{STUB}{early}</script>{visitor.tag()}")
    visitor.until("heard.includes('callease:reveal')")
    assert visitor.js("heard").count("callease:ready") == 1
    assert {True, "callease:reveal", LISTING} <= set(visitor.js("heard"))


def test_events_reach_the_page_and_its_tag_manager(visitor: Visitor) -> None:
    visitor.open(f"<p>{BUTTON}</p>", "<script>dataLayer = [{kept: 1}];</script>" + visitor.tag())
    visitor.listen()
    visitor.run("window.off = callease.on('callease:reveal', (event) => { window.once = (window.once || 0) + 1; })")
    visitor.click("#b")
    visitor.shown("#b")
    (reveal,) = visitor.js("heard")
    assert (reveal["name"], reveal["from"], reveal["bubbles"], reveal["composed"]) == ("reveal", "A", True, True)
    expected = {"listing": LISTING, "lease": "lse_1", "kind": "dynamic", "number": NUMBER, "ttl": 1800}
    assert expected.items() <= reveal["detail"].items()
    layer = visitor.js("dataLayer")
    assert layer[0] == {"kept": 1}
    assert [entry.get("event") for entry in layer] == [None, "callease:ready", "callease:reveal"]
    assert ({"event": "callease:reveal"} | expected).items() <= layer[2].items()
    visitor.run("off()")
    visitor.driver.execute_async_script("callease.lease({listing: 'ZHK-2'}).then(() => arguments[0]())")
    assert visitor.js("[once, heard.length]") == [1, 2]


def test_a_lease_for_pages_that_show_it_themselves(visitor: Visitor) -> None:
    visitor.open(f"<p id=n data-callease-number data-callease-listing={LISTING}></p>")
    lease = visitor.driver.execute_async_script("callease.lease({listing: arguments[0]}).then(arguments[1])", LISTING)
    assert (lease["lease"], lease["number"], lease["kind"]) == ("lse_1", NUMBER, "dynamic")
    assert visitor.shown("#n")["text"] == "+7 717 269 00 01"


def test_a_callback_is_ordered_and_the_phone_is_kept_out_of_events(visitor: Visitor) -> None:
    visitor.open("<p></p>")
    visitor.listen()
    answer = visitor.driver.execute_async_script(
        """callease.callback({
          listing: arguments[0], phone: '+77011234567', consent: {version: '1', locale: 'ru', purposes: ['call']},
        }).then(arguments[1])""",
        LISTING,
    )
    assert answer["callback"] == "cb_1"
    (request,) = visitor.api.to("callbacks")
    assert request.body["phone"] == "+77011234567"
    (event,) = visitor.js("heard")
    assert event["detail"] == {"listing": LISTING, "callback": "cb_1", "state": "scheduled", "at": None}
    assert "7011234567" not in visitor.js("JSON.stringify(dataLayer)")


def test_a_strict_content_security_policy_has_nothing_to_report(visitor: Visitor) -> None:
    visitor.api.answers["leases"] = lambda request: (
        Answer(500)
        if request.body["listing"] == "bad"
        else Answer(body={"lease": "lse_1", "number": NUMBER, "kind": "dynamic", "ttl": 1800, "listing": LISTING})
    )
    watch = """<script nonce=x>window.reports = [];
    addEventListener('securitypolicyviolation', (event) => reports.push(event.violatedDirective));</script>"""
    visitor.open(
        f"""{BUTTON}<callease-number listing=ZHK-3></callease-number>
        <p data-callease-listing=bad data-callease-fallback="{REAL_NUMBER}">
        <button id=bad data-callease-reveal>Ок</button></p>""",
        watch + visitor.tag(nonce="x"),
        Content_Security_Policy=(
            f"default-src 'none'; script-src 'nonce-x'; connect-src {visitor.api.address};"
            " require-trusted-types-for 'script'"
        ),
    )
    visitor.api.wait_for("visits")
    # The page's own scripts may style a control in spite of the policy.
    visitor.run("document.querySelector('#b').style.color = 'red'")
    visitor.click("#b")
    visitor.shown("#b")
    visitor.click("#bad")
    visitor.shown("#bad", "fallback")
    visitor.click("callease-number button")
    visitor.shown("callease-number a")
    visitor.run("callease.destroy()")
    assert visitor.js("reports") == []
    # The watch itself is awake.
    visitor.run("document.body.setAttribute('style', 'color: red')")
    visitor.until("reports.length === 1")


def test_loading_moves_nothing(visitor: Visitor) -> None:
    visitor.open(
        f"""<p>Над</p>{BUTTON}
        <a data-callease-number data-callease-listing={LISTING} href="tel:{REAL_NUMBER}">8 (7172) 69-00-00</a>
        <callease-number listing=ZHK-3><a href="tel:{REAL_NUMBER}">8 (7172) 69-00-00</a></callease-number><p>Под</p>"""
    )
    visitor.api.wait_for("visits")
    assert visitor.driver.execute_async_script(LAYOUT_SHIFT) == 0
    # The observer itself is awake.
    visitor.run("document.querySelector('p').style.height = '300px'")
    assert visitor.driver.execute_async_script(LAYOUT_SHIFT) > 0


def test_events_that_a_page_makes_up_do_no_harm(visitor: Visitor) -> None:
    visitor.open(BUTTON)
    visitor.run(
        """for (const target of [window, document, document.body]) {
          target.dispatchEvent(new MouseEvent('click', {bubbles: true}));
          target.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
          target.dispatchEvent(new Event('copy', {bubbles: true}));
        }"""
    )
    visitor.click("#b")
    visitor.shown("#b")


def test_nothing_global_but_what_is_promised(visitor: Visitor) -> None:
    visitor.put(
        "<p></p>",
        """<script>window.before = Object.keys(window);
        addEventListener('callease:ready', () => setTimeout(() => {
          window.added = Object.keys(window).filter((name) => !before.includes(name) && name !== 'before');
        }));</script>"""
        + visitor.tag(),
    )
    visitor.go()
    assert set(visitor.until("window.added")) == {"callease", "CallTrk", "dataLayer"}


def test_two_tags_are_one_instance(visitor: Visitor) -> None:
    second = (
        visitor.tag().replace("></script>", ' onload="window.second = true"></script>').replace("v1.js", "v1.js?again")
    )
    visitor.open(BUTTON, visitor.tag() + second)
    visitor.until("window.second")
    visitor.listen()
    visitor.click("#b")
    visitor.shown("#b")
    assert len(visitor.api.to("leases")) == 1
    assert len(visitor.js("heard")) == 1
    assert len(visitor.api.wait_for("visits")) == 1


def test_a_tag_that_an_optimiser_injects_anew(visitor: Visitor) -> None:
    held_back = visitor.tag(type="text/plain", data_api=visitor.api.base + "/")
    inject = f"""<script>{{
      const copy = document.createElement('script');
      copy.src = '{visitor.api.base}/v1.js?min';
      document.head.append(copy);
    }}</script>"""
    visitor.open(BUTTON, held_back + inject)
    visitor.click("#b")
    visitor.shown("#b")
    assert visitor.api.to("leases")[0].body["site"] == SITE


def test_without_a_tag_of_its_own_nothing_is_stored(visitor: Visitor) -> None:
    visitor.api.answers["visits"] = visitor.api.answers["leases"] = Answer(400, {"code": "invalid_request"})
    visitor.api.check = lambda *_: None
    visitor.open(
        f'<p data-callease-fallback="{REAL_NUMBER}">{BUTTON}</p>', visitor.tag().replace("data-site", "data-sight")
    )
    visitor.click("#b")
    assert visitor.shown("#b", "fallback")["href"] == f"tel:{REAL_NUMBER}"
    assert visitor.js("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_destroy_gives_the_page_back_and_a_new_tag_takes_it_again(visitor: Visitor) -> None:
    visitor.open(BUTTON + f"<p id=n data-callease-number data-callease-listing={LISTING}>—</p>")
    visitor.run("window.before = document.body.innerHTML")
    visitor.click("#b")
    visitor.shown("#b")
    visitor.run("callease.destroy(); callease.destroy()")
    assert visitor.js("document.body.innerHTML === before")
    visitor.click("#b")
    visitor.run("document.body.append(document.querySelector('#n').cloneNode(true))")
    assert visitor.js("document.body.innerHTML === before + document.querySelector('#n').outerHTML")
    assert len(visitor.api.to("leases")) == 1
    visitor.run(
        """const tag = document.createElement('script');
        tag.dataset.site = 'site_demo';
        tag.src = arguments[0] + '/v1.js';
        document.head.append(tag);""",
        visitor.api.base,
    )
    assert visitor.shown("#n")["text"] == "+7 717 269 00 01"


def test_destroy_while_waiting_leaves_nothing_behind(visitor: Visitor) -> None:
    gate = threading.Event()
    visitor.api.answers["leases"] = Answer(body=lease_answer(), gate=gate)
    visitor.open(BUTTON)
    visitor.run(
        """window.before = document.body.innerHTML;
        document.querySelector('#b').click();
        callease.destroy();
        window.timers = 0;
        const later = setTimeout;
        window.setTimeout = (...all) => { timers += 1; return later(...all); };"""
    )
    gate.set()
    visitor.until("document.body.innerHTML === before")
    # The lease is kept, so a new tag would have it; this one does not count its minutes any more.
    visitor.until("(sessionStorage.callease || '').includes('lse_1')")
    assert visitor.js("[timers, document.body.innerHTML === before]") == [0, True]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<callease-number listing=ZHK-1042></callease-number>", "Показать номер"),
        ("<callease-number listing=ZHK-1042>\n  Телефон\n</callease-number>", "Телефон"),
        ("<callease-number listing=ZHK-1042><p><button>Звонок</button></p></callease-number>", "Звонок"),
        (f'<callease-number listing=ZHK-1042><a href="tel:{REAL_NUMBER}">Звонок</a></callease-number>', "Звонок"),
    ],
)
def test_the_element_reveals(visitor: Visitor, markup: str, text: str) -> None:
    visitor.open(markup)
    control = "callease-number [data-callease-reveal]"
    assert visitor.js("document.querySelector('callease-number').textContent.trim()") == text
    visitor.click(control)
    assert visitor.shown(control) == {"tag": "a", "text": "+7 717 269 00 01", "href": f"tel:{NUMBER}"}


def test_the_element_waits_for_its_children(visitor: Visitor) -> None:
    visitor.open("<callease-number listing=1><b>Звонок</b></callease-number>", visitor.tag().replace("async ", ""))
    assert visitor.js("document.querySelector('callease-number').innerHTML").endswith("><b>Звонок</b></button>")


@pytest.mark.parametrize(
    ("locale", "text"), [("kk", "Нөмірді көрсету"), ("en-GB", "Show number"), ("fr", "Show number")]
)
def test_the_element_speaks_the_sites_language(visitor: Visitor, locale: str, text: str) -> None:
    visitor.open("<callease-number listing=1></callease-number>", visitor.tag(data_locale=locale))
    assert visitor.js("document.querySelector('callease-number').textContent") == text


def test_the_elements_attributes_are_live(visitor: Visitor) -> None:
    visitor.open("<p></p>")
    visitor.run(
        """window.element = document.createElement('callease-number');
        element.setAttribute('listing', 'ZHK-1');
        document.body.append(element);"""
    )
    visitor.click("callease-number button")
    visitor.shown("callease-number a")
    visitor.run("element.setAttribute('listing', 'ZHK-2'); element.setAttribute('fallback', '+77172111111')")
    visitor.until("element.querySelector('button')")
    visitor.api.answers["leases"] = Answer(500)
    visitor.click("callease-number button")
    assert visitor.shown("callease-number a", "fallback")["href"] == "tel:+77172111111"
    assert [request.body["listing"] for request in visitor.api.to("leases")] == ["ZHK-1", "ZHK-2"]


def test_pages_written_for_callrail_keep_running(visitor: Visitor) -> None:
    visitor.open("<p></p>")
    shown = visitor.driver.execute_async_script(
        "CallTrk.swap(); CallTrk.swap('p'); CallTrk.getSwapNumbers(['7172690000'], arguments[0])"
    )
    assert shown == {}
    visitor.open("<p></p>", "<script>CallTrk = 'theirs';</script>" + visitor.tag())
    assert visitor.js("CallTrk") == "theirs"
