"""Events reach their receivers: at least once, signed, again after failures, and nobody else's."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from callease.base.clock import SetClock
from callease.web.services import Services
from tests.factories import Cast
from tests.integration.delivery.conftest import RETRY_SECONDS, Worker
from tests.support.databases import on_both_databases
from tests.support.people import Telephone, new_call_id
from tests.support.receiver import Receiver, Reply

Subscribe = Callable[..., dict[str, str]]

# Delays are lengthened by up to a tenth, so that many receivers' retries do not come at once.
JITTERED = 1.11
A_CALL = {"call.ringing": 1, "call.ended": 1, "lead.created": 1, "lead.updated": 1}


def _rings(cast: Cast, e164: str | None = None) -> None:
    """One event of one new call: `call.ringing` and `lead.created` are announced."""
    to = e164 or cast.alatau_sales.numbers[0][1]
    assert cast.telephone.event("ringing", new_call_id(), to).status == 200


def _delivery(cast: Cast, **wanted: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    (found,) = cast.api.all(f"/deliveries?{query}")
    return dict(found)


@on_both_databases
def test_each_event_is_delivered_once(cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe) -> None:
    subscribe()
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    assert worker.turn() == 4
    assert worker.turn() == 0
    assert receiver.types() == A_CALL
    assert set(receiver.counts().values()) == {1}
    (created,) = (each.event for each in receiver.received if each.event["type"] == "lead.created")
    (lead,) = cast.api.all("/leads")
    assert created["data"]["lead"] == lead["id"]
    assert created["data"]["contact"]["phone"] == "+77011234567"
    assert {delivery["state"] for delivery in cast.api.all("/deliveries")} == {"delivered"}


def test_only_the_events_that_were_asked_for(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribe("/leads", events=["lead.created"])
    subscribe("/ends", events=["call.ended", "call.recorded"])
    cast.telephone.call(cast.alatau_sales.numbers[0][1])
    worker.turn()
    assert receiver.types("/leads") == {"lead.created": 1}
    assert receiver.types("/ends") == {"call.ended": 1}


def test_an_advertiser_hears_of_its_own_calls_only(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribe("/portal")
    subscribe("/alatau", api=cast.api_of("advertiser", cast.alatau))
    subscribe("/saryarka", api=cast.api_of("advertiser", cast.saryarka))
    subscribe("/zhaina", advertiser=cast.zhaina["id"])
    _rings(cast, cast.alatau_sales.numbers[0][1])
    _rings(cast, cast.alatau_riverside.numbers[0][1])
    _rings(cast, cast.saryarka_sales.numbers[0][1])
    _rings(cast, cast.call_centre.numbers[0][1])
    worker.turn()

    def heard(path: str) -> list[str | None]:
        leads = (each.event for each in receiver.received if each.path == path)
        return [event["data"]["advertiser"] for event in leads if event["type"] == "lead.created"]

    assert heard("/alatau") == [cast.alatau["id"]] * 2
    assert heard("/saryarka") == [cast.saryarka["id"]]
    assert heard("/zhaina") == []
    assert Counter(heard("/portal")) == {cast.alatau["id"]: 2, cast.saryarka["id"]: 1, None: 1}


@on_both_databases
def test_a_failure_is_tried_again_under_the_same_id(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    subscribe(events=["lead.created"])
    receiver.replies = [Reply(500, body=b"\xffout of order" * 200), Reply(503), Reply(200)]
    _rings(cast)
    assert worker.turn() == 1
    waiting = _delivery(cast, state="pending")
    assert (waiting["attempts"], waiting["reason"]) == (1, "http_500")
    clock.advance(RETRY_SECONDS[0] - 1)
    assert worker.turn() == 0
    clock.advance(RETRY_SECONDS[0] * JITTERED)
    assert worker.turn() == 1
    clock.advance(RETRY_SECONDS[0] * JITTERED)
    assert worker.turn() == 0, "the second delay is the longer one"
    clock.advance(RETRY_SECONDS[1] * JITTERED)
    assert worker.turn() == 1
    assert list(receiver.counts().values()) == [3]
    assert len({each.body for each in receiver.received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in receiver.received}) == 3
    delivered = _delivery(cast, state="delivered")
    log = cast.api.get(f"/deliveries/{delivered['id']}/attempts")["data"]
    assert [attempt["status"] for attempt in log] == [200, 503, 500]
    assert len(log[-1]["reply"]) <= 1_024


def test_after_the_last_delay_it_is_given_up(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    subscribe(events=["lead.created"])
    receiver.replies = [Reply(500)]
    _rings(cast)
    for seconds in (0, *RETRY_SECONDS):
        clock.advance(seconds * JITTERED)
        assert worker.turn() == 1
    clock.advance(10_000_000)
    assert worker.turn() == 0
    dead = _delivery(cast, state="dead")
    assert (dead["attempts"], dead["reason"]) == (1 + len(RETRY_SECONDS), "gave_up: http_500")


def test_nobody_at_home_is_tried_again(cast: Cast, worker: Worker, clock: SetClock) -> None:
    gone = Receiver(clock.now)
    gone.close()
    cast.api.post("/webhook-endpoints", {"url": gone.url(), "events": ["lead.created"]})
    _rings(cast)
    assert worker.turn() == 1
    waiting = _delivery(cast, state="pending")
    assert waiting["attempts"] == 1
    (attempt,) = cast.api.get(f"/deliveries/{waiting['id']}/attempts")["data"]
    assert attempt["status"] is None
    assert attempt["problem"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 301, 302, 307, 308])
def test_a_permanent_error_ends_it_at_once(
    status: int, cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    """A redirect leads nowhere: not to another path, not to another host."""
    endpoint = subscribe(events=["lead.created"])
    receiver.replies = [Reply(status, (("Location", receiver.url("/elsewhere")),))]
    _rings(cast)
    assert worker.turn() == 1
    clock.advance(10_000_000)
    assert worker.turn() == 0
    assert [each.path for each in receiver.received] == ["/hook"]
    assert _delivery(cast, state="dead")["reason"] == f"http_{status}"
    assert cast.api.get(f"/webhook-endpoints/{endpoint['id']}")["enabled"] is True


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_error_is_tried_again_after_the_pause_that_was_asked_for(
    status: int, cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    subscribe(events=["lead.created"])
    receiver.replies = [Reply(status, (("Retry-After", "500"),)), Reply()]
    _rings(cast)
    assert worker.turn() == 1
    clock.advance(499)
    assert worker.turn() == 0
    clock.advance(2)
    assert worker.turn() == 1
    assert _delivery(cast, state="delivered")["attempts"] == 2


@on_both_databases
def test_gone_switches_the_endpoint_off(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    endpoint = subscribe("/gone", events=["lead.created"])
    other = subscribe("/other", events=["lead.created"])
    for _ in range(3):
        _rings(cast)
    while worker.relay.fan_out():
        pass
    # One of three comes back with 410 while the others wait.
    receiver.replies = [Reply(410), Reply()]
    (parcel,) = worker.relay.claim(1, not_to=[other["id"]])
    worker.relay.attempt(parcel)
    seen = cast.api.get(f"/webhook-endpoints/{endpoint['id']}")
    assert (seen["enabled"], seen["off_reason"]) == (False, "gone")
    dead = cast.api.all(f"/deliveries?endpoint={endpoint['id']}")
    assert [(each["state"], each["reason"]) for each in dead] == [("dead", "gone")] * 3
    worker.turn()
    _rings(cast)
    worker.turn()
    assert len(cast.api.all(f"/deliveries?endpoint={endpoint['id']}")) == 3, "nothing new is meant for it"
    assert sum(receiver.counts("/other").values()) == 4
    refused = cast.api.ask("POST", f"/deliveries/{dead[0]['id']}/replay")
    assert (refused.status, refused.json["code"]) == (409, "endpoint_off")
    # Switched on by hand, it hears again.
    cast.api.patch(f"/webhook-endpoints/{endpoint['id']}", {"enabled": True})
    _rings(cast)
    worker.turn()
    assert sum(receiver.counts("/gone").values()) == 2


def test_five_days_of_failures_only_switch_the_endpoint_off(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    endpoint = subscribe(events=["lead.created"])
    receiver.replies = [Reply(500), Reply(200), Reply(500)]
    telephone = Telephone(cast.transport, cast.account, now=lambda: clock.now().timestamp())

    def ring() -> None:
        assert telephone.event("ringing", new_call_id(), cast.alatau_sales.numbers[0][1]).status == 200

    for days in (0, 2, 0, 4):  # the second one succeeds: the five days begin after it
        clock.advance(timedelta(days=days).total_seconds())
        ring()
        worker.turn()
    assert cast.api.get(f"/webhook-endpoints/{endpoint['id']}")["enabled"] is True
    clock.advance(timedelta(days=1, hours=1).total_seconds())
    ring()
    worker.turn()
    seen = cast.api.get(f"/webhook-endpoints/{endpoint['id']}")
    assert (seen["enabled"], seen["off_reason"]) == (False, "failing")
    assert cast.api.all("/deliveries?state=pending") == []


@on_both_databases
def test_what_a_dead_worker_held_is_taken_up_by_another(
    cast: Cast, parts: Services, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    subscribe(events=["lead.created"])
    _rings(cast)
    worker.relay.fan_out()
    (held,) = worker.relay.claim(10)
    other = Worker(parts)
    clock.advance(20)
    assert other.turn() == 0, "it may be at work still"
    clock.advance(10)
    assert other.turn() == 1
    assert _delivery(cast, state="delivered")["attempts"] == 1
    # The first one was only slow: nothing that it finds out now undoes the delivery.
    receiver.replies = [Reply(500)]
    worker.relay.attempt(held)
    assert _delivery(cast)["state"] == "delivered"
    assert list(receiver.counts().values()) == [2], "at least once, and by the same id"


@on_both_databases
def test_workers_do_not_take_each_other_s_deliveries(
    cast: Cast, parts: Services, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribe("/a", events=["lead.created"])
    subscribe("/b", events=["lead.created", "call.ringing"])
    for _ in range(15):
        _rings(cast)
    with ThreadPoolExecutor(4) as threads:
        attempts = list(threads.map(lambda _: Worker(parts).turn(), range(4)))
    # A worker that finds all of the rest taken goes home: the last ones are for whoever comes again.
    assert sum(attempts) + Worker(parts).turn() == 45
    assert receiver.types() == {"lead.created": 30, "call.ringing": 15}
    assert set(receiver.counts("/a").values()) == set(receiver.counts("/b").values()) == {1}


def test_a_replay_is_the_same_event_once_more(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe, clock: SetClock
) -> None:
    subscribe(events=["lead.created"])
    receiver.replies = [Reply(404), Reply(500), Reply(200)]
    _rings(cast)
    worker.turn()
    dead = _delivery(cast, state="dead")
    again = cast.api.post(f"/deliveries/{dead['id']}/replay", expected=200)
    assert (again["state"], again["attempts"], again["reason"]) == ("pending", 0, None)
    assert worker.turn() == 1
    clock.advance(RETRY_SECONDS[0] * JITTERED)
    assert worker.turn() == 1, "with a schedule of its own"
    assert _delivery(cast)["state"] == "delivered"
    cast.api.post(f"/deliveries/{dead['id']}/replay", expected=200)
    assert worker.turn() == 1
    assert list(receiver.counts().values()) == [4]
    assert len(cast.api.get(f"/deliveries/{dead['id']}/attempts")["data"]) == 4


def test_a_retired_endpoint_hears_nothing_more(
    cast: Cast, worker: Worker, receiver: Receiver, subscribe: Subscribe
) -> None:
    endpoint = subscribe(events=["lead.created"])
    _rings(cast)
    worker.relay.fan_out()
    cast.api.delete(f"/webhook-endpoints/{endpoint['id']}")
    _rings(cast)
    worker.turn()
    assert receiver.received == []
    assert _delivery(cast)["reason"] == "endpoint_retired"
