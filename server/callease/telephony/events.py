"""One normalised CallEvent for all providers, and what a set of them says of a call. Pure logic.

Events come twice, late and in any order, so a call is never changed by an event: it is computed anew from all events
known of it, in an order of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from callease.base.clock import rfc3339


class CallEventType(StrEnum):
    RINGING = "call.ringing"
    ANSWERED = "call.answered"
    ENDED = "call.ended"
    RECORDED = "call.recorded"


class Disposition(StrEnum):
    ANSWERED = "answered"
    MISSED = "missed"
    BUSY = "busy"
    FAILED = "failed"
    VOICEMAIL = "voicemail"


T = TypeVar("T")

_RANK = {type_: rank for rank, type_ in enumerate(CallEventType)}


@dataclass(frozen=True)
class CallEvent:
    """What one provider message says; durations in seconds, phones E.164.

    `caller` is None when hidden or not said, `dialled` when the message names only the call, which is known then.
    `digits` is what the caller dialled after the number, digits alone.
    """

    provider_call_id: str
    type: CallEventType
    at: datetime
    dialled: str | None = None
    caller: str | None = None
    disposition: Disposition | None = None
    wait: int | None = None
    talk: int | None = None
    duration: int | None = None
    answered_by: str | None = None
    recording_url: str | None = None
    digits: str | None = None

    def fingerprint(self) -> str:
        """The same for the same message however often it comes."""
        content = {**asdict(self), "at": rfc3339(self.at)}
        if self.digits is None:
            del content["digits"]  # messages taken before digits were known of keep their fingerprints
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:40]


@dataclass(frozen=True)
class CallFacts:
    """A call as its events tell it; `disposition` is None while it goes on."""

    caller: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait: int | None
    talk: int | None
    duration: int | None
    disposition: Disposition | None
    destination: str | None
    recording_url: str | None
    digits: str | None = None


def fold(
    events: Iterable[CallEvent],
    routed_at: datetime | None = None,
    caller: str | None = None,
    digits: str | None = None,
) -> CallFacts:
    """The call that `events` describe, whatever their order and however often each is there.

    `routed_at`, `caller` and `digits` are of the provider's question where the call should go, if it asked. At least
    one event or `routed_at` is needed.
    """
    ordered = sorted(set(events), key=lambda event: (_RANK[event.type], event.at, event.fingerprint()))
    of_type = {type_: [event for event in ordered if event.type is type_] for type_ in CallEventType}
    started_at = _started(of_type, routed_at)
    # The earliest: a repeated message may carry the time of its repetition.
    ended_at = min((event.at for event in of_type[CallEventType.ENDED]), default=None)
    disposition = _disposition(ordered, of_type, ended_at)
    answered_at = _answered(of_type, ordered, started_at, ended_at, disposition)
    return CallFacts(
        caller=_last(event.caller for event in ordered) or caller,
        started_at=started_at,
        answered_at=answered_at,
        ended_at=ended_at,
        wait=_first_known(_last(event.wait for event in ordered), _seconds(started_at, answered_at or ended_at)),
        talk=_talk(ordered, answered_at, ended_at, disposition),
        duration=_first_known(_last(event.duration for event in ordered), _seconds(started_at, ended_at)),
        disposition=disposition,
        destination=_last(event.answered_by for event in ordered),
        recording_url=_last(event.recording_url for event in ordered),
        digits=_last(event.digits for event in ordered) or digits,
    )


def _started(of_type: dict[CallEventType, list[CallEvent]], routed_at: datetime | None) -> datetime:
    """Seen when it rang, else reckoned back from what came later."""
    seen = [event.at for event in of_type[CallEventType.RINGING]]
    if routed_at:
        seen.append(routed_at)
    if seen:
        return min(seen)
    answered = [event.at - timedelta(seconds=event.wait or 0) for event in of_type[CallEventType.ANSWERED]]
    ended = [event.at - timedelta(seconds=_whole(event)) for event in of_type[CallEventType.ENDED]]
    recorded = [event.at for event in of_type[CallEventType.RECORDED]]
    return min(answered or ended or recorded)


def _whole(event: CallEvent) -> int:
    return event.duration if event.duration is not None else (event.wait or 0) + (event.talk or 0)


def _disposition(
    ordered: Sequence[CallEvent], of_type: dict[CallEventType, list[CallEvent]], ended_at: datetime | None
) -> Disposition | None:
    stated = _last(event.disposition for event in ordered if event.type is CallEventType.ENDED)
    if stated or ended_at is None:
        return stated
    return Disposition.ANSWERED if of_type[CallEventType.ANSWERED] else Disposition.MISSED


def _answered(
    of_type: dict[CallEventType, list[CallEvent]],
    ordered: Sequence[CallEvent],
    started_at: datetime,
    ended_at: datetime | None,
    disposition: Disposition | None,
) -> datetime | None:
    if seen := [event.at for event in of_type[CallEventType.ANSWERED]]:
        return min(seen)
    if disposition is not Disposition.ANSWERED or ended_at is None:
        return None
    talk = _last(event.talk for event in ordered)
    return max(started_at, ended_at - timedelta(seconds=talk)) if talk is not None else None


def _talk(
    ordered: Sequence[CallEvent],
    answered_at: datetime | None,
    ended_at: datetime | None,
    disposition: Disposition | None,
) -> int | None:
    stated = _last(event.talk for event in ordered)
    if stated is not None or ended_at is None:
        return stated
    return _seconds(answered_at, ended_at) if disposition is Disposition.ANSWERED else 0


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    return max(0, round((end - start).total_seconds())) if start and end else None


def _first_known(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _last(values: Iterable[T | None]) -> T | None:
    return next((value for value in reversed(list(values)) if value is not None), None)
