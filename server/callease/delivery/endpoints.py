"""Webhook endpoints: made, changed, switched on and off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from callease.base.clock import Clock
from callease.base.ids import new_id
from callease.base.secrets import SecretBox, new_signing_secret
from callease.delivery.models import Delivery, WebhookEndpoint

EVENT_TYPES = (
    "lead.created",
    "lead.updated",
    "call.ringing",
    "call.answered",
    "call.ended",
    "call.recorded",
    "callback.requested",
    "callback.updated",
    "dispute.opened",
    "dispute.resolved",
    "pool.low",
    "statement.issued",
)
ALL_EVENTS = "*"


def create_endpoint(
    session: Session, clock: Clock, box: SecretBox, fields: dict[str, Any]
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its signing secret, shown once."""
    secret = new_signing_secret()
    endpoint = WebhookEndpoint(
        id=new_id("whe"), secret_sealed=box.seal(secret), created_at=clock.now(), **_without_switch(fields)
    )
    if fields.get("enabled") is False:
        endpoint.off_reason = "switched_off"
    session.add(endpoint)
    session.flush()
    return endpoint, secret


def update_endpoint(session: Session, endpoint: WebhookEndpoint, fields: dict[str, Any]) -> WebhookEndpoint:
    """`enabled` True starts anew whatever switched the endpoint off; what had died meanwhile is replayed by hand."""
    for name, value in _without_switch(fields).items():
        setattr(endpoint, name, value)
    if fields.get("enabled") is True:
        endpoint.off_reason, endpoint.failing_since = None, None
    elif fields.get("enabled") is False:
        endpoint.off_reason = "switched_off"
    session.flush()
    return endpoint


def retire_endpoint(session: Session, clock: Clock, endpoint: WebhookEndpoint) -> None:
    endpoint.retired_at = clock.now()
    session.flush()
    bury_waiting(session, clock, endpoint.id, "endpoint_retired")


def bury_waiting(session: Session, clock: Clock, endpoint_id: str, reason: str) -> None:
    """All that waits for this endpoint becomes dead, with the reason."""
    session.execute(
        update(Delivery)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.state == "pending")
        .values(state="dead", reason=reason, settled_at=clock.now(), claimed_until=None)
    )


def _without_switch(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "enabled"}
