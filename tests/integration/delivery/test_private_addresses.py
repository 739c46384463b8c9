"""A receiver's address reaches into the operator's own network only where the operator has opened it."""

from collections.abc import Callable

import pytest

from callease.delivery.guarded_http import DeliveryError, GuardedHttp
from callease.web.services import Services
from tests.factories import Cast
from tests.integration.delivery.conftest import Worker
from tests.support.people import new_call_id
from tests.support.receiver import Receiver

# The same machine, or one near it, in the spellings that guards have been fooled with.
PRIVATE_HOSTS = (
    "127.0.0.1",
    "127.1",
    "127.0.0.2",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "[fe80::1]",
    "[fc00::1]",
    "user:secret@127.0.0.1",
    "bosaga.kz@127.0.0.1",
)


@pytest.fixture
def attempt(
    cast: Cast, parts: Services, receiver: Receiver
) -> Callable[[str, tuple[str, ...]], tuple[str, str | None]]:
    """Delivers an event to `host` at the receiver's port; state and reason of the delivery."""

    def deliver(host: str, allowed: tuple[str, ...]) -> tuple[str, str | None]:
        url = f"http://{host}:{receiver.port}/hook"
        endpoint = cast.api.post("/webhook-endpoints", {"url": url, "events": ["lead.created"]})
        receiver.secrets["/hook"] = endpoint["secret"]
        assert cast.telephone.event("ringing", new_call_id(), cast.alatau_sales.numbers[0][1]).status == 200
        Worker(parts, allowed).turn()
        (delivery,) = cast.api.all(f"/deliveries?endpoint={endpoint['id']}")
        return delivery["state"], delivery["reason"]

    return deliver


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_refused(host: str, receiver: Receiver) -> None:
    with pytest.raises(DeliveryError) as refused:
        GuardedHttp().post(f"http://{host}:{receiver.port}/hook", b"{}", {})
    assert receiver.received == []
    assert refused.value.permanent or "does not resolve" in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "localhost", "[::1]", "169.254.169.254"])
def test_a_refused_delivery_says_how_to_open_the_address(
    host: str, attempt: Callable[..., tuple[str, str | None]], receiver: Receiver
) -> None:
    assert attempt(host, ()) == ("dead", "a private address, see CALLEASE_ALLOW_PRIVATE_URLS")
    assert receiver.received == []


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("localhost", "localhost"),
        ("localhost", "127.0.0.1"),
        ("LocalHost", "localhost"),
    ],
)
def test_opened_by_the_operator(
    host: str, allowed: str, attempt: Callable[..., tuple[str, str | None]], receiver: Receiver
) -> None:
    assert attempt(host, ("crm.internal", allowed)) == ("delivered", None)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("127.0.0.1", "0.0.0.0"),
        ("10.0.0.1", "127.0.0.1"),
    ],
)
def test_each_entry_opens_that_one_only(
    host: str, allowed: str, attempt: Callable[..., tuple[str, str | None]], receiver: Receiver
) -> None:
    state, _ = attempt(host, (allowed,))
    assert (state, receiver.received) == ("dead", [])
