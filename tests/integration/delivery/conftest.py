"""A receiver, and a worker's relay whose time the test moves."""

from collections.abc import Callable, Iterator

import pytest

from callease.base.clock import SetClock
from callease.delivery.guarded_http import GuardedHttp
from callease.delivery.relay import Relay
from callease.web.services import Services
from tests.factories import Cast
from tests.support.http import Api
from tests.support.receiver import Receiver

RETRY_SECONDS = (10, 100, 1_000)


class Worker:
    """What a worker does, one turn at a time."""

    def __init__(self, parts: Services, allowed: tuple[str, ...] = ("127.0.0.1",)) -> None:
        self.relay = Relay(parts.database, parts.clock, parts.box, GuardedHttp(allowed), RETRY_SECONDS)

    def turn(self) -> int:
        """Attempts all that is due; how many attempts there were."""
        while self.relay.fan_out():
            pass
        attempts = 0
        while parcels := self.relay.claim(4):
            for parcel in parcels:
                self.relay.attempt(parcel)
            attempts += len(parcels)
        return attempts


@pytest.fixture
def receiver(clock: SetClock) -> Iterator[Receiver]:
    made = Receiver(clock.now)
    yield made
    made.close()


@pytest.fixture
def worker(parts: Services) -> Worker:
    return Worker(parts)


@pytest.fixture
def subscribe(cast: Cast, receiver: Receiver) -> Callable[..., dict[str, str]]:
    """Makes an endpoint at the receiver, which checks its signatures from then on."""

    def new(path: str = "/hook", api: Api | None = None, **fields: object) -> dict[str, str]:
        endpoint: dict[str, str] = (api or cast.api).post("/webhook-endpoints", {"url": receiver.url(path), **fields})
        receiver.secrets[path] = endpoint["secret"]
        return endpoint

    return new
