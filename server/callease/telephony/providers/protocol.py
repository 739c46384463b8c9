"""What a telephony adapter is: credentials, authentication, events in, a route answer out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from callease.telephony.events import CallEvent


@dataclass(frozen=True)
class Incoming:
    """A provider's request: `url` as the provider asked for it, `body` raw.

    `suffix` is what follows the account's address, `headers` are looked up in lower case.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    suffix: str = ""


@dataclass(frozen=True)
class RouteQuestion:
    """Where does this call go? `ringing`: the question itself says that the call has begun.

    `digits`: what the caller dialled after the number, digits alone; `collected`: the caller has had the occasion to.
    """

    provider_call_id: str
    at: datetime
    dialled: str
    caller: str | None
    digits: str | None = None
    collected: bool = False
    ringing: bool = False


@dataclass(frozen=True)
class Collect:
    """The caller may dial a code first: `prompt` is said in the language of `locale`, then `timeout` seconds waited."""

    prompt: str
    locale: str
    timeout: int = 4


@dataclass(frozen=True)
class RouteAnswer:
    """`call` as in the contract; `record` whether the call is to be recorded. None of it depends on a provider.

    `collect`: the number leads to many offices, and which one is not known yet. Who dials nothing is put through.
    """

    call: str
    advertiser: str | None
    office: str
    destinations: Sequence[Mapping[str, Any]]
    listing: str | None = None
    lease: str | None = None
    confidence: Mapping[str, float] = field(default_factory=lambda: {"office": 1.0, "source": 0.0, "session": 0.0})
    whisper: str = ""
    record: bool = True
    collect: Collect | None = None


@dataclass(frozen=True)
class Reply:
    """An answer in the provider's own format."""

    status: int
    content_type: str
    body: str


class Provider(Protocol):
    """Adapters keep nothing: everything about an account is in its credentials.

    `translate` and `question` raise InvalidRequest for a message that is not of the provider's form.
    """

    def credentials(self, given: Mapping[str, Any]) -> dict[str, str]:
        """What to keep of `given`, with what Callease makes itself; raises InvalidRequest."""

    def shown_once(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """`secret` and `token`, where Callease made them."""

    def authentic(self, incoming: Incoming, credentials: Mapping[str, str], now: datetime) -> bool:
        """Whether the message is the provider's own."""

    def translate(self, incoming: Incoming, now: datetime) -> list[CallEvent]:
        """The events in a message: none for a message that says nothing about a call."""

    def question(self, incoming: Incoming, now: datetime) -> RouteQuestion:
        """The call that the provider asks about."""

    def events_reply(self, call: str | None) -> Reply:
        """The answer to a message that was taken."""

    def route_reply(self, answer: RouteAnswer, events_url: str) -> Reply:
        """The answer to a question; `events_url` is where news of the call shall come."""

    def unknown_number_reply(self) -> Reply:
        """The answer for a number that is not Callease's."""
