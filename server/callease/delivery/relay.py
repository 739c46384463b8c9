"""The relay: events become deliveries, due deliveries are claimed, attempted outside any transaction, and recorded.

At least once: a worker that dies in an attempt leaves a claim that runs out, and another worker tries again. Receivers
deduplicate on `webhook-id`, which is the event's id and the same in every attempt.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.database import Database
from callease.base.errors import Conflict
from callease.base.ids import new_id
from callease.base.outbox import OutboxEvent
from callease.base.secrets import SecretBox
from callease.base.webhook_signature import headers as signed_headers
from callease.delivery.endpoints import ALL_EVENTS, bury_waiting
from callease.delivery.guarded_http import DeliveryError, GuardedHttp, HttpReply
from callease.delivery.models import Delivery, DeliveryAttempt, WebhookEndpoint

_log = logging.getLogger(__name__)

# Standard Webhooks' schedule after the first attempt: three days and some hours in all.
RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER = 0.1
# Longer than an attempt may take, short enough that a dead worker's deliveries are taken up within half a minute.
_CLAIM = timedelta(seconds=25)
_FAILING_AT_MOST = timedelta(days=5)
_RETRY_AFTER_AT_MOST = 86_400
_RETRIED_CLIENT_ERRORS = frozenset({408, 425, 429})
_REPLY_KEPT = 1_024
_FAN_OUT_BATCH = 200


@dataclass(frozen=True)
class Parcel:
    """A claimed delivery, with all that an attempt needs."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    url: str
    secret_sealed: str
    body: bytes
    attempts: int


class Relay:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        box: SecretBox,
        http: GuardedHttp,
        retry_seconds: Sequence[int] = RETRY_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._box = box
        self._http = http
        self._retry_seconds = retry_seconds

    def fan_out(self) -> int:
        """Turns new events into deliveries; how many events there were."""
        with self._database.transaction() as session:
            events = session.scalars(
                select(OutboxEvent)
                .where(OutboxEvent.fanned_out_at.is_(None))
                .order_by(OutboxEvent.created_at, OutboxEvent.id)
                .limit(_FAN_OUT_BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            if not events:
                return 0
            endpoints = session.scalars(
                select(WebhookEndpoint).where(
                    WebhookEndpoint.retired_at.is_(None), WebhookEndpoint.off_reason.is_(None)
                )
            ).all()
            now = self._clock.now()
            for event in events:
                event.fanned_out_at = now
                session.add_all(_deliveries(event, endpoints, self._clock))
            return len(events)

    def claim(self, limit: int, not_to: Collection[str] = ()) -> list[Parcel]:
        """Up to `limit` due deliveries, now this worker's own; `not_to`: endpoints that are busy enough."""
        now = self._clock.now()
        with self._database.transaction() as session:
            due = (
                select(Delivery.id)
                .where(Delivery.state == "pending", Delivery.due_at <= now, Delivery.endpoint_id.not_in(not_to))
                .where((Delivery.claimed_until.is_(None)) | (Delivery.claimed_until < now))
                .order_by(Delivery.due_at, Delivery.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            ids = session.scalars(due).all()
            if not ids:
                return []
            session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(claimed_until=now + _CLAIM))
            rows = session.execute(
                select(Delivery, WebhookEndpoint, OutboxEvent)
                .join(WebhookEndpoint, WebhookEndpoint.id == Delivery.endpoint_id)
                .join(OutboxEvent, OutboxEvent.id == Delivery.event_id)
                .where(Delivery.id.in_(ids))
                .order_by(Delivery.due_at, Delivery.id)
            )
            return [_parcel(delivery, endpoint, event) for delivery, endpoint, event in rows]

    def attempt(self, parcel: Parcel) -> bool:
        """Sends one parcel and records what came of it; whether it was delivered."""
        started = time.monotonic()
        problem: DeliveryError | None = None
        reply: HttpReply | None = None
        try:
            reply = self._send(parcel)
        except DeliveryError as error:
            problem = error
        except Exception as error:
            # Ours: recorded and tried again like any failure, or it would be tried for ever and nobody would see it.
            _log.exception("delivery %s could not be attempted", parcel.delivery_id)
            problem = DeliveryError(f"internal: {type(error).__name__}", permanent=False)
        milliseconds = round((time.monotonic() - started) * 1000)
        with self._database.transaction() as session:
            self._record(session, parcel, milliseconds, reply, problem)
        return problem is None

    def _send(self, parcel: Parcel) -> HttpReply:
        secret = self._box.open(parcel.secret_sealed)
        headers = signed_headers(secret, parcel.event_id, self._clock.now(), parcel.body)
        reply = self._http.post(parcel.url, parcel.body, {**headers, "Content-Type": "application/json"})
        if 200 <= reply.status < 300:
            return reply
        permanent = 300 <= reply.status < 500 and reply.status not in _RETRIED_CLIENT_ERRORS
        raise DeliveryError(
            f"http_{reply.status}",
            permanent,
            status=reply.status,
            reply=reply.body[:_REPLY_KEPT].decode("utf-8", "replace"),
            retry_after=_retry_after(reply),
        )

    def _record(
        self,
        session: Session,
        parcel: Parcel,
        milliseconds: int,
        reply: HttpReply | None,
        problem: DeliveryError | None,
    ) -> None:
        now = self._clock.now()
        session.add(
            DeliveryAttempt(
                id=new_id("att"),
                delivery_id=parcel.delivery_id,
                at=now,
                milliseconds=milliseconds,
                status=reply.status if reply else problem.status if problem else None,
                problem=str(problem)[:200] if problem else None,
                reply=reply.body[:_REPLY_KEPT].decode("utf-8", "replace") if reply else problem and problem.reply,
            )
        )
        delivery = session.get_one(Delivery, parcel.delivery_id)
        endpoint = session.get_one(WebhookEndpoint, parcel.endpoint_id)
        delivery.attempts += 1
        delivery.claimed_until = None
        if problem is None:
            delivery.state, delivery.reason, delivery.settled_at = "delivered", None, now
            endpoint.failing_since = None
            return
        self._after_failure(session, delivery, endpoint, problem)

    def _after_failure(
        self, session: Session, delivery: Delivery, endpoint: WebhookEndpoint, problem: DeliveryError
    ) -> None:
        now = self._clock.now()
        endpoint.failing_since = endpoint.failing_since or now
        if delivery.state != "pending":
            return
        delay = self._delay(delivery.attempts)
        if problem.permanent or delay is None:
            delivery.state, delivery.settled_at = "dead", now
            delivery.reason = str(problem)[:200] if problem.permanent else f"gave_up: {problem}"[:200]
        else:
            delivery.due_at = now + timedelta(seconds=max(delay, problem.retry_after or 0))
            delivery.reason = str(problem)[:200]
        off_reason = "gone" if problem.status == 410 else None
        if now - endpoint.failing_since > _FAILING_AT_MOST:
            off_reason = off_reason or "failing"
        if off_reason:
            endpoint.off_reason = off_reason
            delivery.state, delivery.reason, delivery.settled_at = "dead", off_reason, now
            session.flush()
            bury_waiting(session, self._clock, endpoint.id, off_reason)

    def _delay(self, attempts: int) -> float | None:
        """Seconds until the next attempt after `attempts` of them; None when there have been enough."""
        if attempts > len(self._retry_seconds):
            return None
        return self._retry_seconds[attempts - 1] * random.uniform(1.0, 1.0 + _JITTER)  # noqa: S311


def replay(session: Session, clock: Clock, delivery: Delivery) -> Delivery:
    """Due once more, with a fresh schedule. Raises Conflict("endpoint_off") when nobody would receive it."""
    endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id)
    if endpoint.off_reason or endpoint.retired_at:
        raise Conflict("endpoint_off")
    delivery.state, delivery.reason, delivery.settled_at = "pending", None, None
    delivery.attempts, delivery.due_at, delivery.claimed_until = 0, clock.now(), None
    session.flush()
    return delivery


def _deliveries(event: OutboxEvent, endpoints: Sequence[WebhookEndpoint], clock: Clock) -> list[Delivery]:
    now = clock.now()
    return [
        Delivery(
            id=new_id("dlv"),
            endpoint_id=endpoint.id,
            event_id=event.id,
            type=event.type,
            advertiser_id=endpoint.advertiser_id,
            state="pending",
            attempts=0,
            due_at=now,
            created_at=now,
        )
        for endpoint in endpoints
        if (event.type in endpoint.events or ALL_EVENTS in endpoint.events)
        and endpoint.advertiser_id in (None, event.advertiser_id)
    ]


def _parcel(delivery: Delivery, endpoint: WebhookEndpoint, event: OutboxEvent) -> Parcel:
    body = json.dumps(event.payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Parcel(delivery.id, endpoint.id, event.id, endpoint.url, endpoint.secret_sealed, body, delivery.attempts)


def _retry_after(reply: HttpReply) -> int | None:
    text = reply.headers.get("retry-after", "")
    return min(int(text), _RETRY_AFTER_AT_MOST) if text.isascii() and text.isdigit() else None
