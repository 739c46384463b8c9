"""What stays in the browser, and what is said of the visitor, is what the visitor agreed to."""

from typing import Any

from .conftest import LISTING, NUMBER, Visitor

BUTTONS = "".join(
    f"<button id=b{number} data-callease-reveal data-callease-listing=ZHK-{number}>Показать</button>"
    for number in (1, 2, 3)
)
STORED = "[Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]"


def last_lease(visitor: Visitor, number: int) -> dict[str, Any]:
    """Has a number shown and gives what was said for it."""
    visitor.click(f"#b{number}")
    visitor.shown(f"#b{number}")
    return visitor.api.to("leases")[-1].body


def test_one_visitor_over_visits_one_session_over_pages(visitor: Visitor) -> None:
    visitor.open(BUTTONS)
    first = visitor.api.wait_for("visits")[0].body
    lease = last_lease(visitor, 1)
    visitor.go()
    second = visitor.api.wait_for("visits", 2)[1].body
    assert first["visitor"] == lease["visitor"] == second["visitor"]
    assert first["session"] == lease["session"] == second["session"]
    visitor.run("sessionStorage.clear()")
    visitor.go()
    third = visitor.api.wait_for("visits", 3)[2].body
    assert third["visitor"] == first["visitor"]
    assert third["session"] != first["session"]


def test_without_consent_nothing_is_stored_and_nobody_is_named(visitor: Visitor) -> None:
    visitor.put(BUTTONS, visitor.tag(data_consent="required"))
    visitor.go("/?gclid=G-1")
    visit = visitor.api.wait_for("visits")[0].body
    lease = last_lease(visitor, 1)
    for body in (visit, lease):
        assert "visitor" not in body
        assert "clients" not in body
    assert visit["session"] == lease["session"]
    assert visitor.js(STORED) == [[], [], ""]
    visitor.go()
    assert visitor.api.wait_for("visits", 2)[1].body["session"] != visit["session"]


def test_consent_is_remembered_until_it_is_taken_back(visitor: Visitor) -> None:
    visitor.open(BUTTONS, visitor.tag(data_consent="required"))
    session = last_lease(visitor, 1)["session"]
    visitor.run("callease.consent(true)")
    agreed = last_lease(visitor, 2)
    assert agreed["visitor"]
    assert agreed["session"] == session
    assert visitor.js(STORED) == [["callease+"], ["callease"], ""]
    visitor.go()
    assert last_lease(visitor, 3)["visitor"] == agreed["visitor"]
    visitor.run("callease.consent(false)")
    assert visitor.js(STORED) == [[], [], ""]
    visitor.go()
    refused = last_lease(visitor, 1)
    assert "visitor" not in refused
    assert refused["session"] != session


def test_a_visitor_stored_without_being_asked_is_no_consent(visitor: Visitor) -> None:
    visitor.open(BUTTONS)
    visitor.put(BUTTONS, visitor.tag(data_consent="required"))
    visitor.go()
    assert "visitor" not in last_lease(visitor, 1)


def test_a_refusal_in_another_tab_is_not_undone(visitor: Visitor) -> None:
    visitor.open(BUTTONS)
    visitor.run("localStorage.callease = '0'; sessionStorage.clear()")
    last_lease(visitor, 1)
    assert visitor.js("[localStorage.callease, sessionStorage.length]") == ["0", 0]


def test_a_refusal_holds_where_consent_is_not_required(visitor: Visitor) -> None:
    visitor.open(BUTTONS)
    assert last_lease(visitor, 1)["visitor"]
    visitor.run("callease.consent(false)")
    assert "visitor" not in last_lease(visitor, 2)
    visitor.go()
    assert "visitor" not in last_lease(visitor, 3)
    # All that is left is the refusal itself.
    assert visitor.js("[localStorage.callease, sessionStorage.length]") == ["0", 0]


def test_blocked_storage_is_done_without(visitor: Visitor) -> None:
    block = """<script>for (const area of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, area, {get() { throw new DOMException('blocked', 'SecurityError'); }});
    }</script>"""
    visitor.open(BUTTONS, block + visitor.tag())
    first, second = last_lease(visitor, 1), last_lease(visitor, 2)
    assert first["visitor"] == second["visitor"]
    assert first["session"] == second["session"]


def test_foreign_content_under_our_key_does_no_harm(visitor: Visitor) -> None:
    visitor.open(BUTTONS)
    visitor.run("sessionStorage.callease = '{broken'")
    visitor.go()
    assert last_lease(visitor, 1)["listing"] == "ZHK-1"
    assert visitor.shown("#b1")["href"] == f"tel:{NUMBER}"


def test_the_listing_of_a_lease_is_the_one_asked_for(visitor: Visitor) -> None:
    visitor.open(BUTTONS + f"<p id=n data-callease-number data-callease-listing={LISTING}></p>")
    last_lease(visitor, 1)
    assert visitor.js("document.querySelector('#n').textContent") == ""
