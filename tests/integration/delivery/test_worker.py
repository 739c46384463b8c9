"""`callease worker` as it runs: events leave within moments, failures come again, the end is orderly."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.factories import Cast
from tests.support.installation import Installation
from tests.support.people import new_call_id
from tests.support.receiver import Receiver, Reply
from tests.support.waiting import eventually


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def installation(install: Callable[..., Installation]) -> Installation:
    installation = install(RETRY_SECONDS="0,1", ALLOW_PRIVATE_URLS="127.0.0.1")
    installation.token = installation.init()["token"]
    installation.serve()
    return installation


def _ring(cast: Cast) -> None:
    assert cast.telephone.event("ringing", new_call_id(), cast.alatau_sales.numbers[0][1]).status == 200


def test_a_worker_delivers_tries_again_and_ends_what_it_has_begun(
    installation: Installation, receiver: Receiver
) -> None:
    cast = installation.cast()
    body = {"url": receiver.url(), "events": ["lead.created"]}
    receiver.secrets["/hook"] = cast.api.post("/webhook-endpoints", body)["secret"]
    receiver.replies = [Reply(500), Reply(500), Reply(200)]
    _ring(cast)
    worker = installation.worker()
    installation.wait_until_ready()
    eventually(lambda: cast.api.all("/deliveries?state=delivered"), what=installation.log)
    assert list(receiver.counts().values()) == [3]

    gate = threading.Event()
    receiver.replies = [Reply(200, gate=gate)]
    _ring(cast)
    eventually(lambda: len(receiver.received) == 4)
    worker.terminate()
    gate.set()
    assert installation.end(worker) == 0
    assert len(cast.api.all("/deliveries?state=delivered")) == 2
    assert set(receiver.counts().values()) == {3, 1}


def test_a_worker_completes_moves_of_numbers(install: Callable[..., Installation]) -> None:
    installation = install(QUARANTINE_DAYS="0")
    installation.token = installation.init()["token"]
    installation.serve()
    cast = installation.cast()
    shown = cast.page().reveal("ZHK-1001", visitor="v").json["number"]
    (number,) = cast.api.all(f"/numbers?e164=%2B{shown[1:]}")
    assert cast.api.patch(f"/numbers/{number['id']}", {"office": cast.saryarka_sales.id})["state"] == "quarantine"
    installation.worker()
    path = f"/numbers/{number['id']}"
    eventually(lambda: cast.api.get(path)["office"] == cast.saryarka_sales.id, what=installation.log)
