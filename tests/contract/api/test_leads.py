"""Calls, leads, contacts and deliveries: what they read as, and the actions of their life cycle."""

import re
from typing import Any

import pytest

from callease.base.clock import SetClock
from callease.web.services import Services
from tests.contract.conftest import delivered_once, refused
from tests.factories import Cast

Row = dict[str, Any]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Contract section 6, the event's `data`.
LEAD_KEYS = {"lead", "kind", "status", "advertiser", "listing", "contact", "call", "attribution", "tags", "target"}
CALL_KEYS = {"id", "tracking_number", "started_at", "answered_at", "ended_at", "wait", "talk", "disposition",
             "recording_url", "destination"}  # fmt: skip
ATTRIBUTION_KEYS = {"lease", "method", "confidence", "candidates", "source_class", "source", "medium", "campaign",
                    "term", "content", "landing", "page", "referrer", "clients"}  # fmt: skip
URL = "https://bosaga.kz/ZHK-1001?utm_source=google&utm_medium=cpc&utm_campaign=c&utm_term=t&utm_content=x&gclid=G1"


@pytest.fixture
def lead(cast: Cast) -> Row:
    """Of an answered call of 95 seconds, from an advertisement."""
    page = cast.page()
    page.visit(URL, visitor="v", session="s", referrer="https://www.google.kz/", clients={"ga": "GA1.2.3", "ym": "17"})
    shown = page.reveal("ZHK-1001", visitor="v", session="s", url="https://bosaga.kz/ZHK-1001").json
    cast.telephone.call(shown["number"])
    (found,) = cast.api.all("/leads")
    return {**found, "_lease": shown["lease"], "_number": shown["number"]}


class TestWhatALeadReadsAs:
    def test_the_shape_is_the_contracts(self, lead: Row) -> None:
        assert set(lead) >= LEAD_KEYS
        assert set(lead["call"]) >= CALL_KEYS
        assert set(lead["attribution"]) >= ATTRIBUTION_KEYS
        assert set(lead["contact"]) == {"phone", "name", "first_time"}
        assert set(lead["listing"]) == {"id", "title", "url", "complex"}
        assert set(lead["attribution"]["confidence"]) == {"office", "source", "session"}

    def test_the_values_are_those_of_the_call(self, cast: Cast, lead: Row) -> None:
        assert lead["id"] == lead["lead"]
        assert (lead["kind"], lead["status"], lead["tags"], lead["target"]) == ("call", "new", [], None)
        assert lead["advertiser"] == cast.alatau["id"]
        assert lead["contact"] == {"phone": "+77011234567", "name": None, "first_time": True}
        assert lead["listing"]["id"] == "ZHK-1001"
        call = lead["call"]
        assert (call["wait"], call["talk"], call["disposition"]) == (7, 95, "answered")
        assert call["tracking_number"] == lead["_number"]
        assert MOMENT.fullmatch(call["started_at"])
        assert MOMENT.fullmatch(call["ended_at"])

    def test_the_attribution_is_that_of_the_visit(self, lead: Row) -> None:
        told = lead["attribution"]
        assert (told["lease"], told["method"], told["source_class"]) == (lead["_lease"], "lease", "paid_search")
        assert [told[name] for name in ("source", "medium", "campaign", "term", "content")] == [
            "google",
            "cpc",
            "c",
            "t",
            "x",
        ]
        assert (told["landing"], told["page"]) == (URL, "https://bosaga.kz/ZHK-1001")
        assert told["referrer"] == "https://www.google.kz/"
        assert told["clients"] == {"ga": "GA1.2.3", "ym": "17", "gclid": "G1"}
        assert told["confidence"]["office"] == 1.0
        assert told["confidence"]["session"] > 0.9
        (candidate,) = told["candidates"]
        assert (candidate["lease"], candidate["listing"]) == (lead["_lease"], "ZHK-1001")

    def test_one_lead_by_its_id(self, cast: Cast, lead: Row) -> None:
        read = cast.api.get(f"/leads/{lead['id']}")
        assert read == {name: value for name, value in lead.items() if not name.startswith("_")}

    def test_a_hidden_caller_is_a_lead_all_the_same(self, cast: Cast) -> None:
        cast.telephone.call(cast.alatau_sales.numbers[0][1], caller=None)
        (lead,) = cast.api.all("/leads")
        assert lead["contact"] == {"phone": None, "name": None, "first_time": True}
        assert cast.api.all("/contacts") == []

    def test_a_known_contact_makes_a_new_lead(self, cast: Cast, lead: Row) -> None:
        cast.telephone.call(lead["_number"])
        newest, first = cast.api.all("/leads")
        assert (newest["contact"]["first_time"], first["contact"]["first_time"]) == (False, True)
        assert first["id"] == lead["id"]
        assert len(cast.api.all("/contacts")) == 1

    def test_a_call_to_the_call_centre_is_the_portals_own_lead(self, cast: Cast) -> None:
        cast.telephone.call(cast.call_centre.numbers[0][1])
        (lead,) = cast.api.all("/leads")
        assert (lead["advertiser"], lead["listing"]) == (None, None)


# status -> action -> the status after it, or None where it is refused.
LIFE = {
    "new": {"claim": "claimed", "close": "closed", "release": None, "reopen": None},
    "claimed": {"release": "new", "close": "closed", "claim": None, "reopen": None},
    "closed": {"reopen": "new", "claim": None, "close": None, "release": None},
}
WAY = {"new": [], "claimed": ["claim"], "closed": ["close"]}


class TestTheLifeOfALead:
    @pytest.mark.parametrize("status", LIFE)
    @pytest.mark.parametrize("action", LIFE["new"])
    def test_every_action_in_every_status(self, cast: Cast, lead: Row, status: str, action: str) -> None:
        for step in WAY[status]:
            cast.api.post(f"/leads/{lead['id']}/{step}", expected=200)
        answer = cast.api.ask("POST", f"/leads/{lead['id']}/{action}")
        expected = LIFE[status][action]
        if expected:
            assert (answer.status, answer.json["status"]) == (200, expected)
        else:
            refused(answer, 409, "lead_moved_on")
        assert cast.api.get(f"/leads/{lead['id']}")["status"] == (expected or status)

    @pytest.mark.parametrize("status", LIFE)
    @pytest.mark.parametrize("wanted", LIFE)
    def test_a_change_of_the_status_is_the_action_that_leads_there(
        self, cast: Cast, lead: Row, status: str, wanted: str
    ) -> None:
        for step in WAY[status]:
            cast.api.post(f"/leads/{lead['id']}/{step}", expected=200)
        answer = cast.api.ask("PATCH", f"/leads/{lead['id']}", {"status": wanted})
        if (status, wanted) == ("closed", "claimed"):
            refused(answer, 409, "lead_moved_on")
        else:
            assert (answer.status, answer.json["status"]) == (200, wanted)

    def test_an_unknown_action_is_not_there(self, cast: Cast, lead: Row) -> None:
        refused(cast.api.ask("POST", f"/leads/{lead['id']}/eat"), 404, "not_found")
        refused(cast.api.ask("POST", "/leads/lead_nowhere/claim"), 404, "not_found")

    def test_its_own_advertiser_works_it(self, cast: Cast, lead: Row) -> None:
        own = cast.api_of("advertiser", cast.alatau)
        assert own.post(f"/leads/{lead['id']}/claim", expected=200)["status"] == "claimed"
        assert own.patch(f"/leads/{lead['id']}", {"tags": ["mortgage"]})["tags"] == ["mortgage"]

    def test_tags(self, cast: Cast, lead: Row) -> None:
        changed = cast.api.patch(f"/leads/{lead['id']}", {"tags": ["ипотека", "срочно"]})
        assert changed["tags"] == ["ипотека", "срочно"]
        assert cast.api.get(f"/leads/{lead['id']}") == changed

    @pytest.mark.parametrize(
        "change",
        [{"status": "eaten"}, {"status": None}, {"tags": "one"}, {"tags": [""]}, {"tags": ["x" * 61]}, {"tags": [1]},
         {"colour": "red"}],
    )  # fmt: skip
    def test_a_wrong_change_is_refused(self, cast: Cast, lead: Row, change: Row) -> None:
        refused(cast.api.ask("PATCH", f"/leads/{lead['id']}", change), 400, "invalid_request")
        assert cast.api.get(f"/leads/{lead['id']}")["status"] == "new"

    @pytest.mark.parametrize(
        "change",
        [{"contact": {"phone": "+77010000000"}}, {"advertiser": "adv_1"}, {"id": "lead_1"}, {"target": True},
         {"attribution": {}}, {"call": None}],
    )  # fmt: skip
    def test_nothing_else_of_it_changes(self, cast: Cast, lead: Row, change: Row) -> None:
        assert cast.api.ask("PATCH", f"/leads/{lead['id']}", change).status in (200, 400)
        read = cast.api.get(f"/leads/{lead['id']}")
        assert read == {name: value for name, value in lead.items() if not name.startswith("_")}


class TestCalls:
    def test_a_call_with_what_is_known_of_it(self, cast: Cast, lead: Row) -> None:
        (call,) = cast.api.all("/calls")
        assert set(call) >= CALL_KEYS
        assert {name: call[name] for name in CALL_KEYS} == {name: lead["call"][name] for name in CALL_KEYS}
        assert call["attribution"] == lead["attribution"]
        assert (call["advertiser"], call["caller"], call["duration"]) == (cast.alatau["id"], "+77011234567", 102)
        assert cast.api.get(f"/calls/{call['id']}") == call

    def test_calls_are_read_only(self, cast: Cast, lead: Row) -> None:
        address = f"/calls/{lead['call']['id']}"
        for method in ("PATCH", "DELETE", "PUT"):
            refused(cast.api.ask(method, address, {}), 405, "method_not_allowed")
        refused(cast.api.ask("POST", "/calls", {}), 405, "method_not_allowed")


class TestContacts:
    def test_a_contact_can_be_given_a_name(self, cast: Cast, lead: Row) -> None:
        (contact,) = cast.api.all("/contacts")
        assert (contact["phone"], contact["name"], contact["advertiser"]) == ("+77011234567", None, cast.alatau["id"])
        cast.api.patch(f"/contacts/{contact['id']}", {"name": "Айдос"})
        assert cast.api.get(f"/leads/{lead['id']}")["contact"]["name"] == "Айдос"

    @pytest.mark.parametrize("change", [{"name": 1}, {"name": "x" * 201}, {"colour": "red"}])
    def test_a_wrong_change_is_refused(self, cast: Cast, lead: Row, change: Row) -> None:
        (contact,) = cast.api.all("/contacts")
        refused(cast.api.ask("PATCH", f"/contacts/{contact['id']}", change), 400, "invalid_request")

    def test_nothing_else_of_it_changes(self, cast: Cast, lead: Row) -> None:
        (contact,) = cast.api.all("/contacts")
        for change in ({"phone": "+77010000000"}, {"advertiser": cast.saryarka["id"]}, {"id": "con_1"}):
            assert cast.api.ask("PATCH", f"/contacts/{contact['id']}", change).status in (200, 400)
        assert cast.api.all("/contacts") == [contact]

    def test_one_person_is_a_contact_of_each_advertiser(self, cast: Cast, lead: Row) -> None:
        cast.telephone.call(cast.saryarka_sales.numbers[0][1])
        assert {row["advertiser"] for row in cast.api.all("/contacts")} == {cast.alatau["id"], cast.saryarka["id"]}


class TestDeliveries:
    @pytest.fixture
    def delivery(self, cast: Cast, parts: Services, clock: SetClock) -> Row:
        return delivered_once(cast, parts, clock, cast.alatau)

    def test_a_delivery_says_where_it_stands(self, cast: Cast, delivery: Row) -> None:
        assert (delivery["state"], delivery["attempts"], delivery["type"]) == ("pending", 1, "lead.created")
        assert {"endpoint", "event", "due_at", "reason"} <= set(delivery)
        assert cast.api.get(f"/deliveries/{delivery['id']}") == delivery

    def test_filtered_by_state(self, cast: Cast, delivery: Row) -> None:
        assert cast.api.get("/deliveries?state=pending")["data"] == [delivery]
        assert cast.api.get("/deliveries?state=dead")["data"] == []

    def test_every_attempt_is_kept(self, cast: Cast, delivery: Row) -> None:
        answer = cast.api.get(f"/deliveries/{delivery['id']}/attempts")
        (attempt,) = answer["data"]
        assert answer["next_cursor"] is None
        assert attempt["status"] is None
        assert attempt["problem"]
        assert MOMENT.fullmatch(attempt["at"])

    def test_replay_is_due_at_once_with_a_fresh_schedule(self, cast: Cast, clock: SetClock, delivery: Row) -> None:
        clock.advance(60)
        again = cast.api.post(f"/deliveries/{delivery['id']}/replay", expected=200)
        assert (again["state"], again["attempts"], again["reason"]) == ("pending", 0, None)
        assert again["due_at"] > delivery["created_at"]

    def test_replay_to_an_endpoint_that_is_off_is_refused(self, cast: Cast, delivery: Row) -> None:
        cast.api.patch(f"/webhook-endpoints/{delivery['endpoint']}", {"enabled": False})
        refused(cast.api.ask("POST", f"/deliveries/{delivery['id']}/replay"), 409, "endpoint_off")

    def test_what_waits_for_a_retired_endpoint_dies_with_it(self, cast: Cast, delivery: Row) -> None:
        cast.api.delete(f"/webhook-endpoints/{delivery['endpoint']}")
        dead = cast.api.get(f"/deliveries/{delivery['id']}")
        assert (dead["state"], dead["reason"]) == ("dead", "endpoint_retired")
